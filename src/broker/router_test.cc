#include "broker/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "broker/connection.h"

namespace martlet::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using wire::QoS;

class RouterTest : public ::testing::Test {
 protected:
  void add(Router& router, const Session& session, std::string_view filter, QoS qos, std::uint32_t identifier = 0,
           bool no_local = false, bool retain_as_published = false) {
    wire::SubscriptionOptions options;
    options.qos = qos;
    options.no_local = no_local;
    options.retain_as_published = retain_as_published;
    router.index().add(filter, {session.number, identifier, options.to_byte()});
  }
  static std::vector<std::uint32_t> identifiers(Router& router, const Target& target) {
    const auto view = router.identifiers_of(target);
    return {view.begin(), view.end()};
  }

  SessionTable table_;
  Session& a_ = table_.create("a");
  Session& b_ = table_.create("b");
  Router merged_{table_, OverlapDelivery::merged, 1};
};

TEST_F(RouterTest, OneCopyForEachSessionThatMatches) {
  add(merged_, a_, "t/1", QoS::at_least_once);
  add(merged_, b_, "t/+", QoS::exactly_once);
  add(merged_, b_, "other", QoS::exactly_once);
  std::map<Session*, QoS> copies;
  for (const Target& target : merged_.match("t/1", 0)) copies[target.session] = target.qos;
  EXPECT_THAT(copies, UnorderedElementsAre(std::pair(&a_, QoS::at_least_once), std::pair(&b_, QoS::exactly_once)));
  EXPECT_THAT(merged_.match("nothing", 0), IsEmpty());
}

TEST_F(RouterTest, OverlappingSubscriptionsBecomeOneWithTheHighestQosAndAllIdentifiers) {
  add(merged_, a_, "t/1", QoS::at_most_once, 10);
  add(merged_, a_, "t/+", QoS::exactly_once, 20, false, true);
  add(merged_, a_, "#", QoS::at_least_once);
  const auto targets = merged_.match("t/1", 0);
  ASSERT_THAT(targets, SizeIs(1));
  EXPECT_EQ(targets[0].qos, QoS::exactly_once);
  EXPECT_TRUE(targets[0].retain_as_published);
  EXPECT_THAT(identifiers(merged_, targets[0]), UnorderedElementsAre(10, 20));
}

TEST_F(RouterTest, OrOneCopyEach) {
  Router separate(table_, OverlapDelivery::separate, 1);
  add(separate, a_, "t/1", QoS::at_most_once, 10);
  add(separate, a_, "t/+", QoS::exactly_once, 20);
  std::map<std::uint32_t, QoS> copies;
  const auto targets = separate.match("t/1", 0);
  EXPECT_THAT(targets, SizeIs(2));
  for (const Target& target : targets) {
    const auto view = separate.identifiers_of(target);
    ASSERT_THAT(view, SizeIs(1));
    copies[view[0]] = target.qos;
  }
  EXPECT_THAT(copies, ElementsAre(std::pair(10, QoS::at_most_once), std::pair(20, QoS::exactly_once)));
}

TEST_F(RouterTest, NoLocalHidesThePublishersOwn) {
  add(merged_, a_, "t", QoS::at_most_once, 10, true);
  add(merged_, a_, "+", QoS::at_most_once, 20);
  add(merged_, b_, "t", QoS::at_most_once, 30, true);
  const auto from_a = merged_.match("t", a_.client_hash);
  ASSERT_THAT(from_a, SizeIs(2));
  for (const Target& target : from_a) {
    EXPECT_THAT(identifiers(merged_, target), ElementsAre(target.session == &a_ ? 20u : 30u));
  }
  EXPECT_THAT(merged_.match("t", 0), SizeIs(2));
}

TEST_F(RouterTest, ASharedSubscriptionIsATargetOfItsOwn) {
  add(merged_, a_, "t", QoS::at_most_once);
  merged_.index().add("t", {kGroupBit | 7, 0, 0});
  std::vector<std::uint32_t> groups;
  for (const Target& target : merged_.match("t", 0)) {
    if (!target.session) groups.push_back(target.group);
  }
  EXPECT_THAT(groups, ElementsAre(7));
}

TEST_F(RouterTest, EachMatchStandsAlone) {
  add(merged_, a_, "t", QoS::at_least_once, 1);
  for (int i = 0; i < 3; ++i) {
    const auto targets = merged_.match("t", 0);
    ASSERT_THAT(targets, SizeIs(1));
    EXPECT_THAT(identifiers(merged_, targets[0]), ElementsAre(1));
  }
}

}  // namespace
}  // namespace martlet::broker
