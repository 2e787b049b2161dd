// Handshake of the server role, AUTH, what is allowed when, and the end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "session/test_support.h"

namespace martlet::session::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using wire::PacketType;
using wire::PropertyId;
using wire::PropertyWriter;
using wire::ProtocolVersion;
using wire::ReasonCode;

class ServerTest : public ::testing::Test {
 protected:
  // A connected server side, its CONNACK forgotten.
  void connect(const wire::Connect& packet = {}, Ticket ticket = Ticket::done()) {
    side_.open();
    side_.accept(packet, ticket);
    side_.out.clear();
  }
  void connect(ProtocolVersion version) {
    wire::Connect packet;
    packet.version = version;
    connect(packet);
  }
  static wire::Connect with(const PropertyWriter& properties) {
    wire::Connect packet;
    packet.properties = properties.properties();
    return packet;
  }
  static wire::Connect with(PropertyId id, std::uint32_t value) {
    static PropertyWriter properties;
    properties = {};
    properties.add_number(id, value);
    return with(properties);
  }
  static wire::Auth auth(ReasonCode reason, std::string_view method) {
    static PropertyWriter properties;
    properties = {};
    properties.add_text(PropertyId::authentication_method, method);
    return {reason, properties.properties()};
  }
  static wire::Connect with_method(std::string_view method) {
    static PropertyWriter properties;
    properties = {};
    properties.add_text(PropertyId::authentication_method, method);
    return with(properties);
  }

  SessionState state_;
  Side side_{state_, Role::server};
};

TEST_F(ServerTest, AcceptAnnouncesTheLimits) {
  side_.options.receive_maximum = 7;
  side_.options.max_packet_bytes = 5000;
  side_.options.topic_alias_maximum = 3;
  side_.options.maximum_qos = wire::QoS::at_least_once;
  side_.options.retain_available = false;
  side_.open();
  wire::Connect connect;
  connect.client_id = "me";
  EXPECT_EQ(side_.feed(connect), "requested CONNECT me");
  EXPECT_THAT(side_.written(), IsEmpty());
  Acceptance acceptance;
  acceptance.state = &state_;
  acceptance.session_present = true;
  acceptance.assigned_client_id = "you";
  acceptance.server_keep_alive_s = std::uint16_t{30};
  acceptance.session_expiry_s = 60;
  acceptance.response_information = "not asked for";
  side_.endpoint->accept(acceptance, side_.now, side_.out, side_.observer);
  EXPECT_THAT(side_.written(), ElementsAre("CONNACK 00 present 11=60 21=7 24=1 25=0 27=5000 12=you 22=3 13=30"));
  EXPECT_TRUE(side_.endpoint->connected());
  EXPECT_EQ(side_.endpoint->keep_alive_s(), 30);
}

TEST_F(ServerTest, ResponseInformationOnlyWhenAskedFor) {
  side_.open();
  side_.feed(with(PropertyId::request_response_information, 1));
  Acceptance acceptance;
  acceptance.state = &state_;
  acceptance.response_information = "replies/";
  side_.endpoint->accept(acceptance, side_.now, side_.out, side_.observer);
  EXPECT_THAT(side_.written(), ElementsAre(HasSubstr("1A=replies/")));
}

TEST_F(ServerTest, OldVersionsGetAPlainConnack) {
  for (const ProtocolVersion version : {ProtocolVersion::v3_1, ProtocolVersion::v3_1_1}) {
    side_.open();
    wire::Connect connect;
    connect.version = version;
    connect.client_id = "c";
    side_.accept(connect);
    EXPECT_THAT(side_.written(), ElementsAre("CONNACK 00"));
  }
}

TEST_F(ServerTest, TheFirstPacketMustBeConnect) {
  for (const wire::Packet& packet : {wire::Packet(wire::Pingreq{}), wire::Packet(wire::Disconnect{}),
                                     wire::Packet(wire::PublishAck{PacketType::puback, 1, {}, {}})}) {
    side_.open();
    EXPECT_EQ(side_.feed(packet), "failed 82 MQTT-3.1.0-1");
    EXPECT_THAT(side_.written(), IsEmpty()) << "nothing comes before CONNACK [MQTT-3.14.0-1]";
    EXPECT_TRUE(side_.endpoint->closed());
    EXPECT_EQ(side_.feed(wire::Connect{}), "need more") << "what follows is ignored";
  }
}

TEST_F(ServerTest, ASecondConnectIsAnError) {
  connect();
  EXPECT_EQ(side_.feed(wire::Connect{}), "failed 82 MQTT-3.1.0-2");
  EXPECT_THAT(side_.written(), ElementsAre(HasSubstr("DISCONNECT 82")));
}

TEST_F(ServerTest, RefusesWithAReasonAndNothingElse) {
  side_.open();
  side_.feed(wire::Connect{});
  side_.endpoint->refuse(ReasonCode::not_authorized, "go away", side_.out);
  EXPECT_THAT(side_.written(), ElementsAre("CONNACK 87 1F=go away"));
  EXPECT_EQ(side_.feed(wire::Pingreq{}), "need more");
  side_.endpoint->disconnect(ReasonCode::server_shutting_down, {}, side_.out);
  EXPECT_THAT(side_.written(), IsEmpty());
}

TEST_F(ServerTest, TheReasonStringGivesWayToTheMaximumPacketSize) {
  side_.open();
  side_.feed(with(PropertyId::maximum_packet_size, 20));
  side_.endpoint->refuse(ReasonCode::not_authorized, "a long explanation", side_.out);
  EXPECT_THAT(side_.written(), ElementsAre("CONNACK 87"));

  side_.options.topic_alias_maximum = 0;
  connect(with(PropertyId::maximum_packet_size, 20));
  side_.endpoint->disconnect(ReasonCode::server_shutting_down, "a long explanation", side_.out);
  EXPECT_THAT(side_.written(), ElementsAre("DISCONNECT 8B"));
}

TEST_F(ServerTest, AClientThatCannotTakeTheConnackIsNotServed) {
  side_.open();
  side_.accept(with(PropertyId::maximum_packet_size, 6));
  EXPECT_THAT(side_.written(), IsEmpty());
  EXPECT_TRUE(side_.endpoint->closed());
}

TEST_F(ServerTest, ABrokenConnectIsAnsweredInItsOwnVersion) {
  // Flag 0 of the connect flags is reserved.
  side_.open();
  EXPECT_EQ(side_.feed_bytes({0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 5, 0x03, 0, 0, 0, 0, 0}), "failed 81 MQTT-3.1.2-3");
  side_.version = ProtocolVersion::v5_0;
  EXPECT_THAT(side_.written(), ElementsAre("CONNACK 81"));
  side_.open();
  EXPECT_THAT(side_.feed_bytes({0x10, 12, 0, 4, 'M', 'Q', 'T', 'T', 4, 0x03, 0, 0, 0, 0}), HasSubstr("failed 81"));
  EXPECT_THAT(side_.written(), IsEmpty());
}

TEST_F(ServerTest, AnUnknownLevelIsAnswered) {
  side_.open();
  EXPECT_THAT(side_.feed_bytes({0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 6, 0x02, 0, 0, 0, 0, 0}), HasSubstr("failed 84"));
  EXPECT_THAT(side_.written(), ElementsAre("CONNACK 84"));
  side_.open();
  EXPECT_THAT(side_.feed_bytes({0x10, 12, 0, 4, 'M', 'Q', 'T', 'T', 2, 0x02, 0, 0, 0, 0}), HasSubstr("failed 84"));
  EXPECT_EQ(take_bytes(side_.out), Bytes({0x20, 2, 0, 1}));
  side_.open();
  EXPECT_THAT(side_.feed_bytes({0x10, 10, 0, 4, 'H', 'T', 'T', 'P', 4, 2, 0, 0}), HasSubstr("failed"));
  EXPECT_THAT(side_.written(), IsEmpty());
}

TEST_F(ServerTest, BadLengthAndTooLargeEndTheConnection) {
  connect();
  EXPECT_EQ(side_.feed_bytes({0xC0, 0x80, 0x00}), "failed 81 MQTT-1.5.5-1");
  EXPECT_THAT(side_.written(), ElementsAre(HasSubstr("DISCONNECT 81")));
  side_.options.max_packet_bytes = 100;
  connect();
  EXPECT_EQ(side_.feed_bytes({0x30, 99}), "failed 95 MQTT-3.2.2-15");
  EXPECT_THAT(side_.written(), ElementsAre(HasSubstr("DISCONNECT 95")));
}

TEST_F(ServerTest, OldVersionsAreCutWithoutDisconnect) {
  connect(ProtocolVersion::v3_1_1);
  EXPECT_THAT(side_.feed_bytes({0x00, 0}), HasSubstr("failed 81"));
  EXPECT_THAT(side_.written(), IsEmpty());
  connect(ProtocolVersion::v3_1_1);
  side_.endpoint->disconnect(ReasonCode::session_taken_over, "why", side_.out);
  EXPECT_THAT(side_.written(), IsEmpty());
  EXPECT_TRUE(side_.endpoint->closed());
  connect(ProtocolVersion::v3_1_1);
  EXPECT_THAT(side_.feed_bytes({0xF0, 0}), HasSubstr("failed 81")) << "AUTH does not exist";
}

TEST_F(ServerTest, PacketsOfTheServerAreNotTheClients) {
  const std::uint8_t ok = 0;
  for (const wire::Packet& packet : {wire::Packet(wire::Connack{}), wire::Packet(wire::Pingresp{}),
                                     wire::Packet(wire::FilterAck{PacketType::suback, 1, {}, {&ok, 1}}),
                                     wire::Packet(wire::FilterAck{PacketType::unsuback, 1, {}, {&ok, 1}})}) {
    connect();
    EXPECT_THAT(side_.feed(packet), HasSubstr("failed 82"));
    EXPECT_THAT(side_.written(), ElementsAre(HasSubstr("DISCONNECT 82")));
  }
}

TEST_F(ServerTest, PingIsAnswered) {
  connect();
  EXPECT_EQ(side_.feed(wire::Pingreq{}), "handled");
  EXPECT_THAT(side_.written(), ElementsAre("PINGRESP"));
  EXPECT_EQ(side_.endpoint->take_packets_written(), 2u);
  EXPECT_EQ(side_.endpoint->take_packets_written(), 0u);
}

TEST_F(ServerTest, RequestsAreHandedOutAndAnswered) {
  connect();
  wire::FilterListWriter filters(true);
  filters.add({"a/b", {}});
  EXPECT_EQ(side_.feed(wire::Subscribe{9, {}, filters.list()}), "requested SUBSCRIBE 9");
  const std::uint8_t granted = 1;
  side_.endpoint->answer_request(Ticket::done(), {PacketType::suback, 9, {}, {&granted, 1}}, side_.out);
  EXPECT_THAT(side_.written(), ElementsAre("SUBACK 9 01"));
}

TEST_F(ServerTest, ReasonsOfAnAnswerGiveWayToTheMaximumPacketSize) {
  side_.options.topic_alias_maximum = 0;
  connect(with(PropertyId::maximum_packet_size, 20));
  PropertyWriter properties;
  properties.add_text(PropertyId::reason_string, "a long explanation");
  const std::uint8_t denied = 0x87;
  side_.endpoint->answer_request(Ticket::done(), {PacketType::suback, 9, properties.properties(), {&denied, 1}},
                                 side_.out);
  EXPECT_THAT(side_.written(), ElementsAre("SUBACK 9 87"));
}

// --- CONNACK behind a ticket

TEST_F(ServerTest, NothingOvertakesAConnackThatIsHeld) {
  side_.open();
  state_.outgoing.enqueue(delivery("waiting", 1), {}, Now{}, side_.observer);
  side_.accept({}, Ticket::at(5));
  side_.deliver(delivery("live", 0));
  side_.pump();
  EXPECT_EQ(side_.feed(wire::Pingreq{}), "handled");
  EXPECT_FALSE(side_.endpoint->can_send(wire::QoS::at_most_once, side_.out));
  EXPECT_THAT(side_.written(), IsEmpty());
  side_.endpoint->durable(4, side_.out);
  EXPECT_THAT(side_.written(), IsEmpty());
  side_.endpoint->durable(5, side_.out);
  side_.pump();
  EXPECT_THAT(side_.written(),
              ElementsAre(HasSubstr("CONNACK 00"), "PINGRESP", "PUBLISH 1 qos1 waiting=x", "PUBLISH 0 qos0 live=x"));
}

TEST_F(ServerTest, DeliveriesWaitForConnackAndForNoLaterTicket) {
  side_.open();
  side_.accept({}, Ticket::at(5));
  wire::Publish publish;
  publish.topic = "t";
  publish.qos = wire::QoS::at_least_once;
  publish.packet_id = 3;
  side_.feed(publish);
  side_.endpoint->publish_done(publish, Ticket::at(6), ReasonCode::success, {}, side_.out);
  side_.endpoint->durable(5, side_.out);
  side_.deliver(delivery("live", 0));
  EXPECT_THAT(side_.written(), ElementsAre(HasSubstr("CONNACK 00"), "PUBLISH 0 qos0 live=x"));
}

TEST_F(ServerTest, NoDisconnectBeforeAConnackThatIsHeld) {
  side_.open();
  side_.accept({}, Ticket::at(5));
  EXPECT_THAT(side_.feed_bytes({0x00, 0}), HasSubstr("failed 81"));
  EXPECT_THAT(side_.written(), IsEmpty());
  side_.endpoint->durable(5, side_.out);
  EXPECT_THAT(side_.written(), IsEmpty()) << "nothing follows the end";
}

TEST_F(ServerTest, NothingFollowsTheGoodbye) {
  connect();
  wire::Publish publish;
  publish.topic = "t";
  publish.qos = wire::QoS::at_least_once;
  publish.packet_id = 3;
  side_.feed(publish);
  side_.endpoint->publish_done(publish, Ticket::at(7), ReasonCode::success, {}, side_.out);
  side_.endpoint->disconnect(ReasonCode::session_taken_over, {}, side_.out);
  side_.endpoint->durable(7, side_.out);
  side_.deliver(delivery("late", 0));
  EXPECT_THAT(side_.written(), ElementsAre("DISCONNECT 8E"));
}

// --- DISCONNECT

TEST_F(ServerTest, TheClientsGoodbyeIsHandedOut) {
  connect();
  EXPECT_EQ(side_.feed(wire::Disconnect{ReasonCode::disconnect_with_will, {}}), "DISCONNECT 04");
  EXPECT_TRUE(side_.endpoint->closed());
  EXPECT_THAT(side_.written(), IsEmpty());
}

TEST_F(ServerTest, DisconnectMayNotBringAnExpiryThatConnectDidNot) {
  PropertyWriter properties;
  properties.add_number(PropertyId::session_expiry_interval, 5);
  connect();
  EXPECT_EQ(side_.feed(wire::Disconnect{ReasonCode::success, properties.properties()}), "failed 82 3.14.2.2.2");
  EXPECT_THAT(side_.written(), ElementsAre(HasSubstr("DISCONNECT 82")));
  connect(with(PropertyId::session_expiry_interval, 1));
  EXPECT_EQ(side_.feed(wire::Disconnect{ReasonCode::success, properties.properties()}), "DISCONNECT 00 11=5");
}

TEST_F(ServerTest, OnlyReasonsThatAreLegalAreSaid) {
  // An authenticator's reason is one of CONNACK; DISCONNECT does not know it [MQTT-3.14.2-1].
  connect();
  side_.endpoint->disconnect(ReasonCode::bad_user_name_or_password, {}, side_.out);
  EXPECT_THAT(side_.written(), ElementsAre("DISCONNECT 87"));
  side_.open();
  side_.feed(wire::Connect{});
  side_.endpoint->refuse(ReasonCode::session_taken_over, {}, side_.out);
  EXPECT_THAT(side_.written(), ElementsAre("CONNACK 80"));
}

// --- AUTH

TEST_F(ServerTest, AChallengeGoesToAndFroBeforeConnack) {
  side_.open();
  EXPECT_EQ(side_.feed(with_method("SCRAM")), "requested CONNECT  15=SCRAM");
  side_.endpoint->send_auth(ReasonCode::continue_authentication, "SCRAM", as_bytes("q"), side_.out);
  EXPECT_THAT(side_.written(), ElementsAre("AUTH 18 15=SCRAM 16=q"));
  EXPECT_EQ(side_.feed(auth(ReasonCode::continue_authentication, "SCRAM")), "auth AUTH 18 15=SCRAM");
  Acceptance acceptance;
  acceptance.state = &state_;
  acceptance.authentication_data = as_bytes("proof");
  side_.endpoint->accept(acceptance, side_.now, side_.out, side_.observer);
  EXPECT_THAT(side_.written(), ElementsAre(HasSubstr("15=SCRAM 16=proof")));
}

TEST_F(ServerTest, OnlyAuthOrDisconnectMayComeDuringTheChallenge) {
  side_.open();
  side_.feed(with_method("SCRAM"));
  EXPECT_EQ(side_.feed(wire::Pingreq{}), "failed 82 MQTT-3.1.2-30");
  EXPECT_THAT(side_.written(), ElementsAre(HasSubstr("CONNACK 82")));
  side_.open();
  side_.feed(with_method("SCRAM"));
  EXPECT_EQ(side_.feed(wire::Disconnect{}), "DISCONNECT 00");
}

TEST_F(ServerTest, AuthNeedsTheMethodOfConnect) {
  connect();
  EXPECT_EQ(side_.feed(auth(ReasonCode::reauthenticate, "SCRAM")), "failed 82 MQTT-4.12.0-7");
  connect(with_method("SCRAM"));
  EXPECT_EQ(side_.feed(auth(ReasonCode::reauthenticate, "OTHER")), "failed 82 MQTT-4.12.0-5");
  side_.open();
  side_.feed(with_method("SCRAM"));
  EXPECT_EQ(side_.feed(auth(ReasonCode::reauthenticate, "SCRAM")), "failed 82 MQTT-4.12.1-1");
}

TEST_F(ServerTest, ReauthenticationStartsContinuesAndEnds) {
  connect(with_method("SCRAM"));
  EXPECT_EQ(side_.feed(auth(ReasonCode::reauthenticate, "SCRAM")), "auth restart AUTH 19 15=SCRAM");
  side_.endpoint->send_auth(ReasonCode::continue_authentication, "SCRAM", {}, side_.out);
  EXPECT_EQ(side_.feed(wire::Pingreq{}), "handled") << "the connection goes on meanwhile";
  EXPECT_EQ(side_.feed(auth(ReasonCode::continue_authentication, "SCRAM")), "auth AUTH 18 15=SCRAM");
  side_.endpoint->send_auth(ReasonCode::success, "SCRAM", {}, side_.out);
  EXPECT_THAT(side_.written(), ElementsAre("AUTH 18 15=SCRAM", "PINGRESP", "AUTH 00 15=SCRAM"));
  EXPECT_EQ(side_.feed(auth(ReasonCode::continue_authentication, "SCRAM")), "failed 82 MQTT-4.12.0-3");
}

// --- time

TEST_F(ServerTest, TheHandshakeMustEndInTime) {
  side_.options.connect_timeout_ms = 5000;
  side_.open();
  EXPECT_EQ(side_.endpoint->deadline(), side_.now.mono_ms + 5000);
  const DeadlineMs due = side_.endpoint->deadline();
  side_.pass_ms(4999);
  EXPECT_EQ(side_.on_time(), "need more");
  // Packets of an endless challenge do not put it off.
  side_.feed(with_method("SCRAM"));
  EXPECT_EQ(side_.endpoint->deadline(), due);
  side_.feed(auth(ReasonCode::continue_authentication, "SCRAM"));
  EXPECT_EQ(side_.endpoint->deadline(), due);
  side_.pass_ms(1);
  EXPECT_THAT(side_.on_time(), HasSubstr("failed 8D"));
  EXPECT_THAT(side_.written(), IsEmpty());
  EXPECT_EQ(side_.endpoint->deadline(), kNever);
  EXPECT_EQ(side_.on_time(), "need more");
}

TEST_F(ServerTest, SilenceForOneAndAHalfKeepAlivesEndsTheConnection) {
  wire::Connect packet;
  packet.keep_alive_s = 10;
  connect(packet);
  side_.pass_ms(14'999);
  EXPECT_EQ(side_.on_time(), "need more");
  side_.feed(wire::Pingreq{});
  side_.pass_ms(14'999);
  EXPECT_EQ(side_.on_time(), "need more");
  side_.out.clear();
  side_.pass_ms(1);
  EXPECT_EQ(side_.on_time(), "failed 8D MQTT-3.1.2-22");
  EXPECT_THAT(side_.written(), ElementsAre(HasSubstr("DISCONNECT 8D")));
}

TEST_F(ServerTest, KeepAliveZeroNeverTimesOut) {
  connect();
  EXPECT_EQ(side_.endpoint->deadline(), kNever);
  side_.pass_ms(1'000'000'000);
  EXPECT_EQ(side_.on_time(), "need more");
}

TEST_F(ServerTest, TheTimeInWhichWeDidNotReadIsNotTheClientsSilence) {
  wire::Connect packet;
  packet.keep_alive_s = 10;
  connect(packet);
  side_.pass_ms(60'000);
  side_.endpoint->reading_resumed(side_.now);
  EXPECT_EQ(side_.on_time(), "need more");
  EXPECT_EQ(side_.endpoint->deadline(), side_.now.mono_ms + 15'000);
}

}  // namespace
}  // namespace martlet::session::test
