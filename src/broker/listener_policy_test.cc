// What a listener asks of its clients, and gives them.
#include <gmock/gmock.h>

#include "broker/testing/broker_fixture.h"

namespace martlet::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using wire::ProtocolVersion;
using wire::QoS;

class ListenerPolicyTest : public testing::BrokerFixture {};

TEST_F(ListenerPolicyTest, WithoutListenersTheOptionsHoldForAll) {
  options_.max_keep_alive_s = 7;
  options_.endpoint.receive_maximum = 5;
  const std::vector<ListenerPolicy> policies = complete_policies(options_, {});
  ASSERT_EQ(policies.size(), 1u);
  EXPECT_EQ(policies[0].endpoint.receive_maximum, 5);
  EXPECT_EQ(policies[0].max_keep_alive_s, 7);
}

TEST_F(ListenerPolicyTest, EachHasItsLimits) {
  add_listener();
  ListenerPolicy& narrow = add_listener();
  narrow.endpoint.receive_maximum = 3;
  narrow.endpoint.maximum_qos = QoS::at_most_once;
  narrow.endpoint.retain_available = false;
  narrow.max_keep_alive_s = 9;
  EXPECT_THAT(written(connect(hello("wide"), 0)), ElementsAre("CONNACK 00"));
  const ConnectionId client = connect(hello("narrow"), 1);
  EXPECT_THAT(written(client), ElementsAre("CONNACK 00 21=3 24=0 25=0 13=9"));
  subscribe(client, {"t"}, 2);
  EXPECT_THAT(written(client), ElementsAre("SUBACK 900 00"));
  wire::Connect willing = hello("willing");
  willing.will = wire::Will{"t", {}, QoS::at_least_once, false, {}};
  EXPECT_THAT(written(connect(willing, 1)), ElementsAre(HasSubstr("CONNACK 9B")));
  EXPECT_THAT(written(connect(willing, 0)), ElementsAre("CONNACK 00"));
}

TEST_F(ListenerPolicyTest, NewPoliciesHoldForNewConnections) {
  add_listener().endpoint.receive_maximum = 3;
  const ConnectionId old = connect(hello("old"));
  EXPECT_THAT(written(old), ElementsAre("CONNACK 00 21=3"));
  std::vector<ListenerPolicy> fresh = options_.listeners;
  fresh[0].endpoint.receive_maximum = 4;
  broker().use_policies(fresh);
  EXPECT_THAT(written(connect(hello("new"))), ElementsAre("CONNACK 00 21=4"));
  fresh[0].max_connections = 1;
  broker().use_policies(fresh);
  EXPECT_THAT(written(connect(hello("one too many"))), ElementsAre(HasSubstr("CONNACK 89")));
  // Who was there goes on as it began.
  subscribe(old, {"t"}, 1);
  EXPECT_THAT(written(old), ElementsAre("SUBACK 900 01"));
}

TEST_F(ListenerPolicyTest, AllowedVersions) {
  ListenerPolicy& policy = add_listener();
  policy.allow_v3_1 = policy.allow_v5_0 = false;
  EXPECT_THAT(written(connect(hello("new"))), ElementsAre(HasSubstr("CONNACK 84")));
  wire::Connect packet = hello("old");
  packet.version = ProtocolVersion::v3_1;
  const ConnectionId old = connect(packet);
  EXPECT_EQ(session::test::take_bytes(transport_.at(old).outbox), (session::test::Bytes{0x20, 2, 0, 1}));
  EXPECT_FALSE(transport_.is_open(old));
  packet.version = ProtocolVersion::v3_1_1;
  EXPECT_EQ(session::test::take_bytes(transport_.at(connect(packet)).outbox), (session::test::Bytes{0x20, 2, 0, 0}));
  EXPECT_EQ(verdicts(VerdictReason::connect_refused), 2u);
}

TEST_F(ListenerPolicyTest, ConnectionsOfOneListenerAreCounted) {
  add_listener().max_connections = 1;
  add_listener();
  const ConnectionId first = connect("a", 0, 0);
  EXPECT_THAT(written(connect(hello("b"), 0)), ElementsAre(HasSubstr("CONNACK 89")));
  EXPECT_THAT(written(connect(hello("c"), 1)), ElementsAre("CONNACK 00"));
  // Who is connected elsewhere takes no place over here; who is connected here does.
  EXPECT_THAT(written(connect(hello("c"), 0)), ElementsAre(HasSubstr("CONNACK 89")));
  const ConnectionId again = connect(hello("a"), 0);
  EXPECT_THAT(written(again), ElementsAre("CONNACK 00"));
  EXPECT_FALSE(transport_.is_open(first));
  lose(again);
  EXPECT_THAT(written(connect(hello("b"), 0)), ElementsAre("CONNACK 00"));
}

TEST_F(ListenerPolicyTest, TheUserNameBecomesTheClientIdentifier) {
  add_listener().username_as_client_id = true;
  access_.on_authenticate = [](const ConnectFacts& facts) {
    EXPECT_EQ(facts.listener, "listener 1");
    AuthDecision decision;
    if (facts.client_id == "renamed") decision.username = "other";
    return decision;
  };
  wire::Connect packet = hello("mine");
  EXPECT_THAT(written(connect(packet)), ElementsAre(HasSubstr("CONNACK 87")));
  packet.username = "user";
  const ConnectionId first = connect(packet);
  EXPECT_THAT(written(first), ElementsAre("CONNACK 00"));
  packet.client_id = "yours";
  EXPECT_THAT(written(connect(packet)), ElementsAre("CONNACK 00"));
  EXPECT_THAT(written(first), ElementsAre(HasSubstr("DISCONNECT 8E")));
  packet.client_id = "";
  EXPECT_THAT(written(connect(packet)), ElementsAre("CONNACK 00 12=user"));
  EXPECT_EQ(broker().sessions(), 1u);
  packet.client_id = "renamed";
  connect(packet);
  EXPECT_EQ(broker().sessions(), 2u);
}

}  // namespace
}  // namespace martlet::broker
