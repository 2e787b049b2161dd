// Rules about receiving, asked at delivery; and at which QoS it is delivered.
#include <gmock/gmock.h>

#include <algorithm>

#include "broker/testing/broker_fixture.h"

namespace martlet::broker {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class BrokerReceiveTest : public testing::BrokerFixture {
 protected:
  // Who has this user name may not receive anything below "secret/".
  void keep_secrets_from(std::string_view username) {
    access_.on_receive = [username](const Actor& actor, std::string_view topic) {
      const bool denied = actor.username == username && topic.starts_with("secret/");
      return denied ? AccessDecision::deny("acl:4") : AccessDecision::allow();
    };
  }
  std::size_t owed() {
    std::size_t count = 0;
    broker().visit_owed([&](const RestoredDelivery&) { ++count; });
    return count;
  }
};

TEST_F(BrokerReceiveTest, NobodyIsAskedUnlessTheAuthorizerWants) {
  const ConnectionId id = connect("c");
  subscribe(id, {"#"});
  publish(id, "t");
  EXPECT_THAT(access_.asked, Not(Contains(StartsWith("receive"))));
}

TEST_F(BrokerReceiveTest, LiveMessages) {
  keep_secrets_from("spy");
  const ConnectionId spy = connect("spy", 0, 0, "spy");
  const ConnectionId friendly = connect("friend", 0, 0, "friend");
  for (const ConnectionId id : {spy, friendly}) {
    subscribe(id, {"#"}, 1);
    written(id);
  }
  publish(friendly, "secret/plan", 1);
  publish(friendly, "open/plan", 0);
  EXPECT_THAT(written(spy), ElementsAre("PUBLISH 0 qos0 open/plan=x"));
  EXPECT_THAT(written(friendly),
              ElementsAre("PUBLISH 1 qos1 secret/plan=x", "PUBACK 1 00", "PUBLISH 0 qos0 open/plan=x"));
  EXPECT_EQ(verdicts(VerdictReason::denied), 1u);
  EXPECT_EQ(log_.count("client \"spy\" (user \"spy\") at 192.0.2.1:5 may not receive \"secret/plan\": acl:4"), 1u);
}

TEST_F(BrokerReceiveTest, WhatIsDeniedIsNotOwedAndWhatWasQueuedIsNotAskedAgain) {
  keep_secrets_from("spy");
  const ConnectionId spy = connect("spy", 1000, 0, "spy");
  subscribe(spy, {"#"}, 2);
  lose(spy);
  const ConnectionId publisher = connect("p");
  publish(publisher, "secret/plan", 1);
  EXPECT_EQ(owed(), 0u);
  publish(publisher, "open/plan", 1);
  EXPECT_EQ(owed(), 1u);
  access_.asked.clear();
  const ConnectionId back = connect(hello("spy", "spy"));
  EXPECT_THAT(written(back), ElementsAre("CONNACK 00 present", "PUBLISH 1 qos1 open/plan=x"));
  EXPECT_THAT(access_.asked, IsEmpty());
}

TEST_F(BrokerReceiveTest, RetainedMessages) {
  keep_secrets_from("spy");
  const ConnectionId publisher = connect("p");
  publish(publisher, "secret/plan", 0, "x", true);
  publish(publisher, "z/plan", 0, "x", true);
  const ConnectionId spy = connect("spy", 0, 0, "spy");
  subscribe(spy, {"#"});
  EXPECT_THAT(written(spy), ElementsAre("SUBACK 900 00", "PUBLISH 0 qos0 retain z/plan=x"));
  EXPECT_EQ(verdicts(VerdictReason::denied), 1u);
}

TEST_F(BrokerReceiveTest, AMemberThatMayNotReceiveIsNotPicked) {
  for (const SharedStrategy strategy : {SharedStrategy::round_robin, SharedStrategy::least_in_flight}) {
    options_.shared_strategy = strategy;
    broker_.reset();
    keep_secrets_from("spy");
    const ConnectionId spy = connect("spy", 0, 0, "spy");
    const ConnectionId friendly = connect("friend", 0, 0, "friend");
    subscribe(spy, {"$share/g/#"}, 1);
    subscribe(friendly, {"$share/g/#"}, 1);
    written(spy);
    written(friendly);
    const ConnectionId publisher = connect("p");
    for (int i = 0; i < 4; ++i) publish(publisher, "secret/plan", 0);
    EXPECT_THAT(written(spy), IsEmpty());
    EXPECT_EQ(written(friendly).size(), 4u);
    lose(friendly);
    publish(publisher, "secret/plan", 0);
    EXPECT_THAT(written(spy), IsEmpty());
    for (const ConnectionId id : {spy, publisher}) lose(id);
  }
}

// Given back by a member that leaves, and nobody who is left may have it: it is over.
TEST_F(BrokerReceiveTest, WhatNoMemberMayReceiveDoesNotWaitForEver) {
  keep_secrets_from("spy");
  const ConnectionId friendly = connect("friend", 1000, 0, "friend");
  subscribe(friendly, {"$share/g/#"}, 1);
  const ConnectionId spy = connect("spy", 1000, 0, "spy");
  subscribe(spy, {"$share/g/#"}, 1);
  lose(friendly);
  lose(spy);
  const ConnectionId publisher = connect("p");
  publish(publisher, "secret/plan", 1);
  publish(publisher, "secret/plan", 1);
  EXPECT_EQ(owed(), 2u);
  wire::Connect clean = hello("friend", "friend");
  clean.clean_start = true;
  connect(clean);
  for (int i = 0; i < 5; ++i) pass_ms(1'000);
  EXPECT_EQ(owed(), 0u);
  EXPECT_EQ(broker().remnants(), 0u);
}

TEST_F(BrokerReceiveTest, AMessageForManyIsAskedAboutInItsParts) {
  options_.fan_out_part = 2;
  keep_secrets_from("spy");
  std::vector<ConnectionId> all;
  for (int i = 0; i < 6; ++i) {
    all.push_back(connect("c" + std::to_string(i), 0, 0, i % 2 == 0 ? "spy" : "friend"));
    subscribe(all.back(), {"#"});
    written(all.back());
  }
  publish(connect("p"), "secret/plan", 0);
  for (int i = 0; i < 10; ++i) broker().run_timers(now_);
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(written(all[i]).size(), i % 2);
}

TEST_F(BrokerReceiveTest, TheSubscriptionsQosInsteadOfTheLowerOne) {
  options_.upgrade_outgoing_qos = true;
  const ConnectionId subscriber = connect("s", 1000);
  subscribe(subscriber, {"t"}, 2);
  subscribe(subscriber, {"$share/g/u"}, 1);
  const ConnectionId publisher = connect("p");
  publish(publisher, "r", 0, "x", true);
  subscribe(subscriber, {"r"}, 1);
  written(subscriber);
  publish(publisher, "t", 0);
  publish(publisher, "u", 0);
  EXPECT_THAT(written(subscriber), ElementsAre("PUBLISH 2 qos2 t=x", "PUBLISH 3 qos1 u=x"));
  lose(subscriber);
  const std::size_t unfinished = owed();
  publish(publisher, "t", 0);
  EXPECT_EQ(owed(), unfinished + 1) << "it is kept like any message of that QoS";
  publish(publisher, "t", 1);
  EXPECT_THAT(written(connect(hello("s"))), Contains("PUBLISH 4 qos2 t=x"));
}

}  // namespace
}  // namespace martlet::broker
