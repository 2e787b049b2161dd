// Listeners with a mount point: their clients live below it and do not see it.
#include <gmock/gmock.h>

#include "broker/testing/broker_fixture.h"

namespace martlet::broker {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using wire::PropertyId;
using wire::PropertyWriter;
using wire::QoS;

class MountTest : public testing::BrokerFixture {
 protected:
  static constexpr std::uint32_t kOpen = 0;
  static constexpr std::uint32_t kMounted = 1;
  static constexpr std::uint32_t kOther = 2;

  MountTest() {
    add_listener();
    add_listener().mount_point = "house/1/";
    add_listener().mount_point = "house/2/";
  }
};

TEST_F(MountTest, PublishSubscribeAndDeliver) {
  const ConnectionId everything = connect("all", 0, kOpen);
  subscribe(everything, {"#"}, 1);
  const ConnectionId inside = connect("in", 0, kMounted);
  subscribe(inside, {"#", "lamp/+"}, 1);
  const ConnectionId neighbour = connect("next", 0, kOther);
  subscribe(neighbour, {"#"}, 1);
  for (const ConnectionId id : {everything, inside, neighbour}) written(id);
  publish(inside, "lamp/hall", 1);
  EXPECT_THAT(written(inside), ElementsAre("PUBLISH 1 qos1 lamp/hall=x", "PUBACK 1 00"));
  EXPECT_THAT(written(everything), ElementsAre("PUBLISH 1 qos1 house/1/lamp/hall=x"));
  EXPECT_THAT(written(neighbour), IsEmpty());
  publish(everything, "house/1/door", 0);
  EXPECT_THAT(written(inside), ElementsAre("PUBLISH 0 qos0 door=x"));
  EXPECT_THAT(access_.asked, ElementsAre("subscribe #", "subscribe house/1/#", "subscribe house/1/lamp/+",
                                         "subscribe house/2/#", "publish house/1/lamp/hall", "publish house/1/door"));
}

TEST_F(MountTest, SharedSubscriptionsAndUnsubscribe) {
  const ConnectionId inside = connect("in", 0, kMounted);
  subscribe(inside, {"$share/g/t", "t"});
  EXPECT_THAT(written(inside), ElementsAre("SUBACK 900 00 00"));
  EXPECT_THAT(access_.asked, ElementsAre("subscribe house/1/t", "subscribe house/1/t"));
  publish(inside, "t");
  EXPECT_THAT(written(inside), ElementsAre("PUBLISH 0 qos0 t=x", "PUBLISH 0 qos0 t=x"));
  unsubscribe(inside, "house/1/t");
  EXPECT_THAT(written(inside), ElementsAre("UNSUBACK 901 11"));
  unsubscribe(inside, "$share/g/t");
  unsubscribe(inside, "t");
  EXPECT_THAT(written(inside), ElementsAre("UNSUBACK 901 00", "UNSUBACK 901 00"));
  EXPECT_EQ(broker().subscriptions(), 0u);
  // What is not legal for the client does not become so with what stands before it.
  subscribe(inside, {"$share/g/", "", "a/#/b"});
  EXPECT_THAT(written(inside), ElementsAre("SUBACK 900 8F 8F 8F"));
}

TEST_F(MountTest, RetainedMessagesAndWills) {
  const ConnectionId outside = connect("out", 0, kOpen);
  publish(outside, "house/1/state", 0, "on", true);
  publish(outside, "elsewhere", 0, "on", true);
  const ConnectionId inside = connect("in", 0, kMounted);
  subscribe(inside, {"#"});
  EXPECT_THAT(written(inside), ElementsAre("SUBACK 900 00", "PUBLISH 0 qos0 retain state=on"));
  wire::Connect packet = hello("mortal");
  packet.will = wire::Will{"gone", as_bytes("now"), QoS::at_most_once, true, {}};
  lose(connect(packet, kMounted));
  EXPECT_THAT(written(inside), ElementsAre("PUBLISH 0 qos0 gone=now"));
  subscribe(outside, {"+/+/gone"});
  EXPECT_THAT(written(outside), Contains("PUBLISH 0 qos0 retain house/1/gone=now"));
  EXPECT_THAT(access_.asked, Contains("publish house/1/gone"));
}

TEST_F(MountTest, TheBrokersOwnTopicsAreNotThere) {
  options_.sys_interval_s = 10;
  pass_ms(0);
  const ConnectionId outside = connect("out", 0, kOpen);
  subscribe(outside, {"$SYS/broker/uptime"});
  EXPECT_THAT(written(outside), Contains(HasSubstr("$SYS/broker/uptime")));
  const ConnectionId inside = connect("in", 0, kMounted);
  subscribe(inside, {"$SYS/#"});
  EXPECT_THAT(written(inside), ElementsAre("SUBACK 900 00"));
  publish(inside, "$SYS/broker/uptime", 1);
  EXPECT_THAT(written(inside), ElementsAre(HasSubstr("PUBACK 1 87")));
}

TEST_F(MountTest, TheWholeNameHasTheLongestLength) {
  const ConnectionId inside = connect("in", 0, kMounted);
  const std::string fits(65'535 - 8, 't');
  publish(inside, fits, 1);
  EXPECT_THAT(written(inside), ElementsAre("PUBACK 1 10"));
  publish(inside, fits + 't', 1);
  EXPECT_THAT(written(inside), ElementsAre(HasSubstr("PUBACK 1 90")));
  subscribe(inside, {fits});
  EXPECT_THAT(written(inside), ElementsAre("SUBACK 900 00"));
  subscribe(inside, {fits + 't'});
  EXPECT_THAT(written(inside), ElementsAre("SUBACK 900 8F"));
  wire::Connect packet = hello("mortal");
  const std::string too_long = fits + 't';
  packet.will = wire::Will{too_long, {}, QoS::at_most_once, false, {}};
  EXPECT_THAT(written(connect(packet, kMounted)), ElementsAre(HasSubstr("CONNACK 90")));
}

// The topic above the mount point matches its '#', and a session may come back through another listener.
TEST_F(MountTest, WhatLiesOutsideIsNotDelivered) {
  const ConnectionId inside = connect("in", 1000, kMounted);
  subscribe(inside, {"#"}, 2);
  const ConnectionId outside = connect("out", 0, kOpen);
  written(inside);
  publish(outside, "house/1", 2);
  publish(outside, "house/1/", 1);
  EXPECT_THAT(written(inside), IsEmpty());
  EXPECT_EQ(verdicts(VerdictReason::denied), 2u);
  lose(inside);
  publish(outside, "house/1/t", 1);
  const ConnectionId elsewhere = connect("in", 1000, kOther);
  EXPECT_THAT(written(elsewhere), IsEmpty());
  EXPECT_EQ(verdicts(VerdictReason::denied), 3u);
  publish(outside, "house/1/t", 1);
  EXPECT_THAT(written(elsewhere), IsEmpty());
  lose(elsewhere);
  publish(outside, "house/1/u", 1);
  EXPECT_THAT(written(connect("in", 1000, kMounted)), IsEmpty());
}

TEST_F(MountTest, AResponseTopicIsLeftAlone) {
  const ConnectionId inside = connect("in", 0, kMounted);
  subscribe(inside, {"t"});
  written(inside);
  PropertyWriter properties;
  properties.add_text(PropertyId::response_topic, "house/1/answer");
  wire::Publish packet;
  packet.topic = "t";
  packet.properties = properties.properties();
  send(inside, packet);
  EXPECT_THAT(written(inside), ElementsAre("PUBLISH 0 qos0 t= 08=house/1/answer"));
}

TEST_F(MountTest, TopicAliasesStandForTheClientsNames) {
  options_.listeners[kMounted].endpoint.topic_alias_maximum = 5;
  options_.listeners[kMounted].endpoint.alias_out_maximum = 5;
  const ConnectionId inside = open(kMounted);
  PropertyWriter allowed;
  allowed.add_number(PropertyId::topic_alias_maximum, 5);
  wire::Connect packet = hello("in");
  packet.properties = allowed.properties();
  send(inside, packet);
  subscribe(inside, {"lamp/kitchen"});
  written(inside);
  PropertyWriter properties;
  properties.add_number(PropertyId::topic_alias, 1);
  wire::Publish published;
  published.topic = "lamp/kitchen";
  published.properties = properties.properties();
  send(inside, published);
  published.topic = "";
  send(inside, published);
  EXPECT_EQ(access_.asked.back(), "publish house/1/lamp/kitchen");
  EXPECT_THAT(written(inside), ElementsAre("PUBLISH 0 qos0 lamp/kitchen= 23=1", "PUBLISH 0 qos0 = 23=1"));
}

TEST_F(MountTest, ALargeMessageKeepsItsBlock) {
  const ConnectionId inside = connect("in", 0, kMounted);
  subscribe(inside, {"t"});
  written(inside);
  const std::string payload(100'000, 'p');
  wire::Publish packet;
  packet.topic = "t";
  packet.payload = as_bytes(payload);
  const session::test::Bytes bytes = session::test::encoded(packet, ProtocolVersion::v5_0);
  for (std::size_t at = 0; at < bytes.size(); at += 30'000) {
    const ByteView part = ByteView(bytes).subspan(at);
    broker().bytes_received(inside, part.first(std::min<std::size_t>(part.size(), 30'000)), now_);
  }
  EXPECT_THAT(written(inside), ElementsAre("PUBLISH 0 qos0 t=" + payload));
}

}  // namespace
}  // namespace martlet::broker
