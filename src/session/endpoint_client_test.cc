// What only the client role does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "session/test_support.h"

namespace martlet::session::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using wire::PacketType;
using wire::PropertyId;
using wire::PropertyWriter;
using wire::ProtocolVersion;
using wire::QoS;
using wire::ReasonCode;

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() { side_.options.alias_out_maximum = 0; }
  void connect(std::initializer_list<std::pair<PropertyId, std::uint32_t>> announced = {}, bool present = true,
               wire::Connect packet = {}) {
    packet.clean_start = !present;
    PropertyWriter properties;
    for (const auto& [id, value] : announced) properties.add_number(id, value);
    side_.open();
    side_.welcome(packet, {present, ReasonCode::success, properties.properties()});
  }
  static wire::Connect with_version(ProtocolVersion version) {
    wire::Connect packet;
    packet.version = version;
    packet.client_id = "c";
    return packet;
  }
  SessionState state_;
  Side side_{state_, Role::client};
};

TEST_F(ClientTest, ConnectSaysTheLimitsOnce) {
  side_.options.receive_maximum = 7;
  side_.options.max_packet_bytes = 5000;
  side_.options.topic_alias_maximum = 3;
  side_.open();
  PropertyWriter properties;
  properties.add_number(PropertyId::session_expiry_interval, 9);
  properties.add_number(PropertyId::receive_maximum, 1234);
  wire::Connect packet;
  packet.client_id = "me";
  packet.properties = properties.properties();
  side_.endpoint->connect(packet, state_, side_.now, side_.out);
  EXPECT_THAT(side_.written(), ElementsAre("CONNECT me 11=9 21=7 27=5000 22=3"));
  EXPECT_FALSE(side_.endpoint->connected());
  EXPECT_EQ(side_.feed(wire::Connack{false, ReasonCode::success, {}}), "connected CONNACK 00");
  EXPECT_TRUE(side_.endpoint->connected());
}

TEST_F(ClientTest, ARefusalIsHandedOut) {
  side_.open();
  side_.endpoint->connect({}, state_, side_.now, side_.out);
  side_.out.clear();
  EXPECT_EQ(side_.feed(wire::Connack{false, ReasonCode::banned, {}}), "refused CONNACK 8A");
  EXPECT_TRUE(side_.endpoint->closed());
  EXPECT_THAT(side_.written(), IsEmpty());
}

TEST_F(ClientTest, OnlyConnackOrAuthMayComeFirst) {
  side_.open();
  side_.endpoint->connect({}, state_, side_.now, side_.out);
  side_.out.clear();
  EXPECT_THAT(side_.feed(wire::Pingresp{}), HasSubstr("failed 82"));
  EXPECT_THAT(side_.written(), IsEmpty());
}

TEST_F(ClientTest, PacketsOfTheClientAreNotTheServers) {
  wire::FilterListWriter filters(true);
  filters.add({"a", {}});
  for (const wire::Packet& packet : {wire::Packet(wire::Pingreq{}), wire::Packet(wire::Connect{}),
                                     wire::Packet(wire::Subscribe{1, {}, filters.list()})}) {
    connect();
    EXPECT_THAT(side_.feed(packet), HasSubstr("failed 82"));
    EXPECT_THAT(side_.written(), ElementsAre(HasSubstr("DISCONNECT 82")));
  }
}

TEST_F(ClientTest, RequestsHaveIdentifiersAndAreAnswered) {
  connect();
  wire::FilterListWriter filters(true);
  filters.add({"a", {}});
  wire::FilterListWriter names(false);
  names.add({"a", {}});
  side_.deliver(delivery("t", 1));
  const std::uint16_t subscribe = side_.endpoint->subscribe({0, {}, filters.list()}, side_.out);
  const std::uint16_t unsubscribe = side_.endpoint->unsubscribe({0, {}, names.list()}, side_.out);
  EXPECT_THAT(side_.written(), ElementsAre("PUBLISH 1 qos1 t=x", "SUBSCRIBE 2", "UNSUBSCRIBE 3"));
  const std::uint8_t granted = 1;
  EXPECT_EQ(side_.feed(wire::FilterAck{PacketType::suback, subscribe, {}, {&granted, 1}}), "answered SUBACK 2 01");
  const std::uint8_t ok = 0;
  EXPECT_EQ(side_.feed(wire::FilterAck{PacketType::unsuback, unsubscribe, {}, {&ok, 1}}), "answered UNSUBACK 3 00");
  EXPECT_EQ(side_.feed(wire::FilterAck{PacketType::unsuback, unsubscribe, {}, {&ok, 1}}), "failed 82 MQTT-2.2.1-6");
}

TEST_F(ClientTest, AnAnswerMustNotNameAMessage) {
  connect();
  side_.deliver(delivery("t", 1));
  const std::uint8_t granted = 1;
  EXPECT_EQ(side_.feed(wire::FilterAck{PacketType::suback, 1, {}, {&granted, 1}}), "failed 82 MQTT-2.2.1-6");
}

TEST_F(ClientTest, ARequestThatTheServerCannotTakeIsNotMade) {
  connect({{PropertyId::maximum_packet_size, 20}});
  wire::FilterListWriter filters(true);
  filters.add({"a/filter/that/is/too/long", {}});
  EXPECT_EQ(side_.endpoint->subscribe({0, {}, filters.list()}, side_.out), 0);
  EXPECT_THAT(side_.written(), IsEmpty());
  EXPECT_EQ(state_.outgoing.in_flight(), 0u);
}

TEST_F(ClientTest, RequestsEndWithTheirConnection) {
  connect();
  wire::FilterListWriter filters(true);
  filters.add({"a", {}});
  side_.endpoint->subscribe({0, {}, filters.list()}, side_.out);
  connect();
  EXPECT_EQ(state_.outgoing.in_flight(), 0u);
}

TEST_F(ClientTest, ResendsWhenTheServerKeptTheSession) {
  connect();
  side_.deliver(delivery("a", 1));
  side_.deliver(delivery("b", 2));
  side_.feed_ack(PacketType::pubrec, 2);
  side_.endpoint->release_sent(2, Ticket::done(), side_.out);
  side_.feed(wire::Publish{"in", {}, QoS::exactly_once, false, false, 5, {}});
  side_.endpoint->publish_done({"in", {}, QoS::exactly_once, false, false, 5, {}}, Ticket::done(), {}, {}, side_.out);
  connect();
  EXPECT_THAT(side_.written(), ElementsAre("PUBREL 2 00", "PUBLISH 1 qos1 dup a=x"));
  EXPECT_EQ(side_.feed(wire::Publish{"in", {}, QoS::exactly_once, true, false, 5, {}}), "handled");
}

TEST_F(ClientTest, SendsAsNewWhenTheServerLostTheSession) {
  connect();
  side_.deliver(delivery("a", 1));
  side_.feed(wire::Publish{"in", {}, QoS::exactly_once, false, false, 5, {}});
  side_.endpoint->publish_done({"in", {}, QoS::exactly_once, false, false, 5, {}}, Ticket::done(), {}, {}, side_.out);
  connect({}, false);
  EXPECT_THAT(side_.written(), ElementsAre("PUBLISH 1 qos1 a=x"));
  EXPECT_EQ(side_.feed(wire::Publish{"in", {}, QoS::exactly_once, false, false, 5, {}}), "received PUBLISH 5 qos2 in=");
}

TEST_F(ClientTest, StaysWithinWhatTheServerOffers) {
  // Also what was handed in before the server said so [MQTT-3.2.2-11].
  side_.open();
  state_.outgoing.enqueue(delivery("early2", 2), {}, Now{}, side_.observer);
  connect({{PropertyId::maximum_qos, 1}, {PropertyId::receive_maximum, 2}});
  side_.deliver(delivery("late2", 2));
  side_.deliver(delivery("held1", 1));
  EXPECT_THAT(side_.written(), ElementsAre("PUBLISH 1 qos1 early2=x", "PUBLISH 2 qos1 late2=x"));
  side_.feed_ack(PacketType::puback, 1);
  side_.pump();
  EXPECT_THAT(side_.written(), ElementsAre("PUBLISH 3 qos1 held1=x"));
}

TEST_F(ClientTest, AServerWithoutQos1GetsQos0) {
  connect({{PropertyId::receive_maximum, 1}});
  side_.deliver(delivery("unfinished", 2));
  side_.deliver(delivery("waits", 1));
  connect({{PropertyId::maximum_qos, 0}}, false);
  EXPECT_THAT(side_.written(), ElementsAre("PUBLISH 0 qos0 unfinished=x", "PUBLISH 0 qos0 waits=x"));
  EXPECT_EQ(state_.outgoing.in_flight(), 0u);
  EXPECT_EQ(side_.endpoint->window_used(), 0u);
}

TEST_F(ClientTest, PingsWhenTheKeepAliveIsOverAndFailsWithoutAnAnswer) {
  wire::Connect packet;
  packet.keep_alive_s = 10;
  connect({}, true, packet);
  EXPECT_EQ(side_.endpoint->deadline(), side_.now.mono_ms + 10'000);
  side_.pass_ms(9999);
  EXPECT_EQ(side_.on_time(), "need more");
  side_.pass_ms(1);
  EXPECT_EQ(side_.on_time(), "handled");
  EXPECT_THAT(side_.written(), ElementsAre("PINGREQ"));
  EXPECT_EQ(side_.feed(wire::Pingresp{}), "handled");
  side_.pass_ms(10'000);
  EXPECT_EQ(side_.on_time(), "handled");
  EXPECT_THAT(side_.written(), ElementsAre("PINGREQ"));
  side_.pass_ms(10'000);
  EXPECT_THAT(side_.on_time(), HasSubstr("failed 8D"));
  EXPECT_THAT(side_.written(), ElementsAre(HasSubstr("DISCONNECT 80"))) << "0x8D is the server's to say";
}

TEST_F(ClientTest, TheServersKeepAliveRules) {
  connect({{PropertyId::server_keep_alive, 3}});
  EXPECT_EQ(side_.endpoint->deadline(), side_.now.mono_ms + 3000);
}

TEST_F(ClientTest, ConnackMustComeInTime) {
  side_.options.connect_timeout_ms = 500;
  side_.open();
  side_.endpoint->connect({}, state_, side_.now, side_.out);
  side_.pass_ms(500);
  EXPECT_THAT(side_.on_time(), HasSubstr("failed 8D"));
}

TEST_F(ClientTest, AnOldGoodbyeMeansThatAllIsWell) {
  // A 3.x DISCONNECT makes the server discard the will, so a failure must not send it.
  connect({}, true, with_version(ProtocolVersion::v3_1_1));
  side_.feed_bytes({0x00, 0});
  EXPECT_THAT(side_.written(), IsEmpty());
  connect({}, true, with_version(ProtocolVersion::v3_1_1));
  side_.endpoint->disconnect(ReasonCode::disconnect_with_will, {}, side_.out);
  EXPECT_THAT(side_.written(), IsEmpty());
  connect({}, true, with_version(ProtocolVersion::v3_1_1));
  side_.endpoint->disconnect(ReasonCode::success, {}, side_.out);
  EXPECT_THAT(side_.written(), ElementsAre("DISCONNECT 00"));
}

TEST_F(ClientTest, TheServersGoodbye) {
  connect();
  EXPECT_EQ(side_.feed(wire::Disconnect{ReasonCode::session_taken_over, {}}), "DISCONNECT 8E");
  connect({}, true, with_version(ProtocolVersion::v3_1_1));
  EXPECT_THAT(side_.feed_bytes({0xE0, 0}), HasSubstr("failed")) << "a 3.x server has none";
}

TEST_F(ClientTest, ReceivesWithAliasesUpToItsOwnMaximum) {
  side_.options.topic_alias_maximum = 1;
  connect();
  PropertyWriter one;
  one.add_number(PropertyId::topic_alias, 1);
  EXPECT_EQ(side_.feed(wire::Publish{"t", {}, QoS::at_most_once, false, false, 0, one.properties()}),
            "received PUBLISH 0 qos0 t= 23=1");
  EXPECT_EQ(side_.feed(wire::Publish{"", {}, QoS::at_most_once, false, false, 0, one.properties()}),
            "received PUBLISH 0 qos0 t= 23=1");
}

TEST_F(ClientTest, TheReceiveMaximumHoldsForTheServerToo) {
  side_.options.receive_maximum = 1;
  connect();
  const wire::Publish first{"t", {}, QoS::exactly_once, false, false, 1, {}};
  side_.feed(first);
  side_.endpoint->publish_done(first, Ticket::done(), {}, {}, side_.out);
  EXPECT_EQ(side_.feed(wire::Publish{"t", {}, QoS::at_least_once, false, false, 2, {}}), "failed 93 MQTT-3.3.4-7");
}

TEST_F(ClientTest, AuthenticatesBeforeAndAfterConnack) {
  PropertyWriter method;
  method.add_text(PropertyId::authentication_method, "M");
  wire::Connect packet;
  packet.properties = method.properties();
  side_.open();
  side_.endpoint->connect(packet, state_, side_.now, side_.out);
  EXPECT_EQ(side_.feed(wire::Auth{ReasonCode::continue_authentication, method.properties()}), "auth AUTH 18 15=M");
  side_.endpoint->send_auth(ReasonCode::continue_authentication, "M", {}, side_.out);
  side_.feed(wire::Connack{false, ReasonCode::success, method.properties()});
  side_.out.clear();
  side_.endpoint->send_auth(ReasonCode::reauthenticate, "M", {}, side_.out);
  EXPECT_THAT(side_.written(), ElementsAre("AUTH 19 15=M"));
  EXPECT_EQ(side_.feed(wire::Auth{ReasonCode::success, method.properties()}), "auth AUTH 00 15=M");
  EXPECT_THAT(side_.feed(wire::Auth{ReasonCode::success, method.properties()}), HasSubstr("failed 82"));
}

}  // namespace
}  // namespace martlet::session::test
