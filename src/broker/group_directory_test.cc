#include "broker/group_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace martlet::broker {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class GroupDirectoryTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kCores = 3;
  static constexpr std::string_view kShare = "$share/g/t/#";

  std::uint32_t enter(std::uint32_t core, int connected, int away = 0) {
    const auto group = directory.enter(kShare, "t/#", core);
    directory.count(*group, core, {connected + away, connected, 0});
    return *group;
  }
  std::vector<GroupDirectory::Choice> choose(std::string_view topic, std::uint64_t publisher = 1) {
    std::vector<GroupDirectory::Choice> choices;
    directory.choose(topic, publisher, choices);
    return choices;
  }
  // How often each core serves.
  std::map<std::uint32_t, int> served(int messages) {
    std::map<std::uint32_t, int> by_core;
    for (int i = 0; i < messages; ++i) ++by_core[choose("t/1").at(0).core];
    return by_core;
  }

  GroupDirectory directory{SharedStrategy::round_robin, kCores, 1};
};

TEST_F(GroupDirectoryTest, OneNumberForAllCores) {
  EXPECT_FALSE(directory.any());
  const std::uint32_t group = enter(0, 1);
  EXPECT_EQ(enter(2, 1), group);
  EXPECT_EQ(directory.find(kShare), group);
  EXPECT_EQ(directory.share_of(group), kShare);
  EXPECT_EQ(directory.cores_of(group), 0b101u);
  EXPECT_THAT(choose("u/1"), IsEmpty());
  EXPECT_THAT(choose("t/1"), SizeIs(1));
}

TEST_F(GroupDirectoryTest, EachConnectedMemberHasItsTurn) {
  enter(0, 1);
  enter(1, 0, 5);
  enter(2, 3);
  EXPECT_EQ(served(40), (std::map<std::uint32_t, int>{{0, 10}, {2, 30}}));
}

TEST_F(GroupDirectoryTest, ThoseAwayTakeItWhenNobodyIsConnected) {
  enter(0, 0, 1);
  enter(1, 0, 1);
  EXPECT_EQ(served(10), (std::map<std::uint32_t, int>{{0, 5}, {1, 5}}));
  EXPECT_FALSE(directory.connected_elsewhere(directory.find(kShare), 0));
}

TEST_F(GroupDirectoryTest, AnotherIsNeverTheOneThatAsks) {
  const std::uint32_t group = enter(0, 1);
  EXPECT_FALSE(directory.another(group, 0, false));
  enter(1, 0, 1);
  EXPECT_FALSE(directory.another(group, 0, true));
  EXPECT_EQ(directory.another(group, 0, false), 1u);
  directory.count(group, 1, {0, 1, 0});
  EXPECT_EQ(directory.another(group, 0, true), 1u);
  EXPECT_TRUE(directory.connected_elsewhere(group, 0));
}

TEST_F(GroupDirectoryTest, TheLastCoreTakesTheGroupAlong) {
  const std::uint32_t group = enter(0, 1);
  enter(1, 1);
  directory.leave(group, 0);
  EXPECT_TRUE(directory.contains(group));
  EXPECT_EQ(served(4), (std::map<std::uint32_t, int>{{1, 4}}));
  directory.leave(group, 1);
  EXPECT_FALSE(directory.contains(group));
  EXPECT_FALSE(directory.any());
  EXPECT_THAT(choose("t/1"), IsEmpty());
}

TEST_F(GroupDirectoryTest, SaysWhereMembersArePersistent) {
  const std::uint32_t group = enter(1, 1);
  EXPECT_FALSE(choose("t/1").at(0).kept);
  directory.count(group, 1, {1, 1, 1});
  EXPECT_TRUE(choose("t/1").at(0).kept);
}

}  // namespace
}  // namespace martlet::broker
