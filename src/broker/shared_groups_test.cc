#include "broker/shared_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>

#include "broker/connection.h"
#include "session/test_support.h"

namespace martlet::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// Three sessions with connections, members of one group.
class SharedGroupsTest : public ::testing::TestWithParam<SharedStrategy> {
 protected:
  static constexpr std::string_view kShare = "$share/g/t/#";
  static constexpr session::QueueLimits kLimits{};

  GroupDirectory directory{SharedStrategy::round_robin, 1, 1};

  SharedGroupsTest() {
    for (std::size_t i = 0; i < 3; ++i) {
      sessions_[i].client_id = std::string(1, static_cast<char>('a' + i));
      sessions_[i].connection = &connection_;
    }
  }
  SharedGroup& join_all(SharedGroups& groups) {
    for (Session& session : sessions_) groups.join(kShare, "t/#", {&session, {}, 0});
    return *groups.find(1);
  }
  static std::string pick(SharedGroups& groups, SharedGroup& group, std::string_view topic = "t",
                          std::uint64_t publisher = 1, const Session* except = nullptr) {
    const SharedMember* member = groups.pick(group, topic, publisher, except);
    return member ? std::string(member->session->client_id.view()) : "none";
  }
  void give(Session& session, int messages) {
    for (int i = 0; i < messages; ++i)
      session.state.outgoing.enqueue(session::test::delivery("t", 1), {}, Now{}, observer_);
  }

  ListenerPolicy policy_;
  Connection connection_{{}, policy_, Now{}};
  Session sessions_[3];
  session::test::Recorder observer_;
};

TEST_F(SharedGroupsTest, JoinFindLeave) {
  SharedGroups groups(SharedStrategy::round_robin, kLimits, 1, directory, 0);
  const auto first = groups.join(kShare, "t/#", {&sessions_[0], {}, 5});
  EXPECT_TRUE(first.new_group);
  EXPECT_TRUE(first.new_member);
  EXPECT_EQ(first.group->filter, "t/#");
  const std::uint32_t id = first.group->id;
  const auto again = groups.join(kShare, "t/#", {&sessions_[0], {}, 6});
  EXPECT_FALSE(again.new_group);
  EXPECT_FALSE(again.new_member);
  EXPECT_EQ(again.group->members.front().identifier, 6u) << "the options are replaced";
  EXPECT_FALSE(groups.join(kShare, "t/#", {&sessions_[1], {}, 0}).new_group);
  EXPECT_TRUE(groups.join("$share/other/t/#", "t/#", {&sessions_[1], {}, 0}).new_group);
  EXPECT_EQ(groups.size(), 2u);
  SharedGroup& group = *groups.find(id);
  EXPECT_THAT(group.members, SizeIs(2));
  EXPECT_FALSE(groups.leave(group, sessions_[0]));
  EXPECT_FALSE(groups.leave(group, sessions_[0])) << "it is no member any more";
  EXPECT_TRUE(groups.leave(group, sessions_[1]));
  groups.erase(id);
  EXPECT_EQ(groups.find(id), nullptr);
  EXPECT_NE(groups.join(kShare, "t/#", {&sessions_[0], {}, 0}).group->id, id) << "numbers are not used again";
}

TEST_F(SharedGroupsTest, RoundRobinTakesTurns) {
  SharedGroups groups(SharedStrategy::round_robin, kLimits, 1, directory, 0);
  SharedGroup& group = join_all(groups);
  std::string turns;
  for (int i = 0; i < 7; ++i) turns += pick(groups, group);
  EXPECT_EQ(turns, "abcabca");
  groups.leave(group, sessions_[1]);
  turns.clear();
  for (int i = 0; i < 4; ++i) turns += pick(groups, group);
  EXPECT_TRUE(turns == "caca" || turns == "acac") << turns;
}

TEST_F(SharedGroupsTest, StickyStaysUntilItsMemberIsGone) {
  SharedGroups groups(SharedStrategy::sticky, kLimits, 1, directory, 0);
  SharedGroup& group = join_all(groups);
  const std::string first = pick(groups, group);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(pick(groups, group), first);
  sessions_[0].connection = nullptr;
  const std::string second = pick(groups, group);
  EXPECT_NE(second, "a");
  sessions_[0].connection = &connection_;
  EXPECT_EQ(pick(groups, group), second);
}

TEST_F(SharedGroupsTest, HashesKeepTopicOrClientTogether) {
  SharedGroups by_topic(SharedStrategy::hash_topic, kLimits, 1, directory, 0);
  SharedGroup& topics = join_all(by_topic);
  SharedGroups by_client(SharedStrategy::hash_client, kLimits, 1, directory, 0);
  SharedGroup& clients = join_all(by_client);
  std::set<std::string> members_by_topic;
  std::set<std::string> members_by_client;
  for (std::uint32_t i = 0; i < 50; ++i) {
    const std::string topic = "t/" + std::to_string(i);
    const std::string member = pick(by_topic, topics, topic, 1);
    EXPECT_EQ(pick(by_topic, topics, topic, 2), member);
    members_by_topic.insert(member);
    const std::string other = pick(by_client, clients, "t/1", i);
    EXPECT_EQ(pick(by_client, clients, "t/2", i), other);
    members_by_client.insert(other);
  }
  EXPECT_THAT(members_by_topic, SizeIs(3)) << "all take part";
  EXPECT_THAT(members_by_client, SizeIs(3));
}

TEST_F(SharedGroupsTest, RandomReachesAll) {
  SharedGroups groups(SharedStrategy::random, kLimits, 1, directory, 0);
  SharedGroup& group = join_all(groups);
  std::map<std::string, int> picked;
  for (int i = 0; i < 300; ++i) ++picked[pick(groups, group)];
  for (const char* member : {"a", "b", "c"}) EXPECT_GT(picked[member], 50);
}

TEST_F(SharedGroupsTest, LeastInFlightCountsWhatWaitsAndWhatIsUnderWay) {
  SharedGroups groups(SharedStrategy::least_in_flight, kLimits, 1, directory, 0);
  SharedGroup& group = join_all(groups);
  give(sessions_[0], 3);
  sessions_[1].state.outgoing.begin(session::test::delivery("t", 1));
  give(sessions_[2], 2);
  EXPECT_EQ(pick(groups, group), "b");
  give(sessions_[1], 2);
  EXPECT_EQ(pick(groups, group), "c");
  EXPECT_EQ(pick(groups, group, "t", 1, &sessions_[2]), "a");
}

TEST_P(SharedGroupsTest, ConnectedOnesComeFirstAndTheExceptedNever) {
  SharedGroups groups(GetParam(), kLimits, 1, directory, 0);
  SharedGroup& group = join_all(groups);
  sessions_[0].connection = sessions_[1].connection = nullptr;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(pick(groups, group, "t/" + std::to_string(i)), "c");
  for (int i = 0; i < 20; ++i) EXPECT_NE(pick(groups, group, "t/" + std::to_string(i), 1, &sessions_[2]), "c");
  EXPECT_NE(pick(groups, group, "t", 1, &sessions_[2]), "none") << "who is offline waits";
  groups.leave(group, sessions_[0]);
  groups.leave(group, sessions_[1]);
  EXPECT_EQ(pick(groups, group, "t", 1, &sessions_[2]), "none");
}

INSTANTIATE_TEST_SUITE_P(All, SharedGroupsTest,
                         ::testing::Values(SharedStrategy::round_robin, SharedStrategy::random, SharedStrategy::sticky,
                                           SharedStrategy::hash_topic, SharedStrategy::hash_client,
                                           SharedStrategy::least_in_flight));

}  // namespace
}  // namespace martlet::broker
