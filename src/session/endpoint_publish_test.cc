// Messages and their acknowledgements, server role; both roles share this code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "session/test_support.h"

namespace martlet::session::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using wire::PacketType;
using wire::PropertyId;
using wire::PropertyWriter;
using wire::ProtocolVersion;
using wire::QoS;
using wire::ReasonCode;

wire::Publish publish(std::uint16_t packet_id, unsigned qos, std::string_view topic = "t") {
  wire::Publish packet;
  packet.topic = topic;
  packet.payload = as_bytes("x");
  packet.qos = static_cast<QoS>(qos);
  packet.packet_id = packet_id;
  return packet;
}

class PublishTest : public ::testing::Test {
 protected:
  PublishTest() { side_.options.alias_out_maximum = 0; }
  // (Re)connects with the session as it is.
  void connect(std::initializer_list<std::pair<PropertyId, std::uint32_t>> numbers = {},
               ProtocolVersion version = ProtocolVersion::v5_0) {
    PropertyWriter properties;
    for (const auto& [id, value] : numbers) properties.add_number(id, value);
    wire::Connect packet;
    packet.version = version;
    packet.properties = properties.properties();
    side_.open();
    side_.accept(packet, Ticket::done(), true);
    written_connack();
  }
  // Takes CONNACK off what was written and keeps what came behind it.
  void written_connack() {
    resent_ = side_.written();
    ASSERT_FALSE(resent_.empty());
    ASSERT_THAT(resent_.front(), HasSubstr("CONNACK 00"));
    resent_.erase(resent_.begin());
  }
  void done(const wire::Publish& packet, Ticket ticket = Ticket::done(), ReasonCode reason = ReasonCode::success,
            std::string_view text = {}) {
    side_.endpoint->publish_done(packet, ticket, reason, text, side_.out);
  }
  SessionState state_;
  Side side_{state_, Role::server};
  Texts resent_;
};

// --- receiving

TEST_F(PublishTest, EachQosHasItsAnswer) {
  connect();
  EXPECT_EQ(side_.feed(publish(0, 0)), "received PUBLISH 0 qos0 t=x");
  done(publish(0, 0));
  EXPECT_THAT(side_.written(), IsEmpty());
  EXPECT_EQ(side_.feed(publish(5, 1)), "received PUBLISH 5 qos1 t=x");
  EXPECT_THAT(side_.written(), IsEmpty()) << "no acknowledgement before the message is owned";
  done(publish(5, 1));
  EXPECT_THAT(side_.written(), ElementsAre("PUBACK 5 00"));
  EXPECT_EQ(side_.feed(publish(6, 2)), "received PUBLISH 6 qos2 t=x");
  done(publish(6, 2));
  EXPECT_THAT(side_.written(), ElementsAre("PUBREC 6 00"));
  EXPECT_EQ(side_.feed_ack(PacketType::pubrel, 6), "released 6");
  EXPECT_THAT(side_.written(), IsEmpty()) << "the release is to be stored first";
  side_.endpoint->complete(6, Ticket::done(), side_.out);
  EXPECT_THAT(side_.written(), ElementsAre("PUBCOMP 6 00"));
}

TEST_F(PublishTest, AnswersWaitForTheirTicketsInOrder) {
  connect();
  side_.feed(publish(1, 1));
  done(publish(1, 1), Ticket::at(10));
  side_.feed(publish(2, 2));
  done(publish(2, 2), Ticket::at(11));
  side_.feed(publish(3, 1));
  done(publish(3, 1));
  EXPECT_THAT(side_.written(), IsEmpty());
  side_.endpoint->durable(10, side_.out);
  EXPECT_THAT(side_.written(), ElementsAre("PUBACK 1 00"));
  side_.endpoint->durable(12, side_.out);
  EXPECT_THAT(side_.written(), ElementsAre("PUBREC 2 00", "PUBACK 3 00"));
}

TEST_F(PublishTest, ARepeatedQos2MessageIsAnsweredAndNotHandedOutAgain) {
  connect();
  side_.feed(publish(6, 2));
  done(publish(6, 2), Ticket::at(3));
  EXPECT_EQ(side_.feed(publish(6, 2)), "handled");
  EXPECT_THAT(side_.written(), IsEmpty()) << "its PUBREC waits for the same ticket";
  side_.endpoint->durable(3, side_.out);
  EXPECT_THAT(side_.written(), ElementsAre("PUBREC 6 00", "PUBREC 6 00"));
  connect();
  wire::Publish again = publish(6, 2);
  again.dup = true;
  side_.endpoint->durable(3, side_.out);
  EXPECT_EQ(side_.feed(again), "handled");
  EXPECT_EQ(side_.feed_ack(PacketType::pubrel, 6), "released 6");
  side_.endpoint->complete(6, Ticket::done(), side_.out);
  EXPECT_THAT(side_.written(), ElementsAre("PUBREC 6 00", "PUBCOMP 6 00"));
  EXPECT_EQ(side_.feed(publish(6, 2)), "received PUBLISH 6 qos2 t=x") << "a new message [MQTT-4.3.3-12]";
}

TEST_F(PublishTest, ARefusedQos2MessageIsOver) {
  connect();
  side_.feed(publish(6, 2));
  done(publish(6, 2), Ticket::done(), ReasonCode::not_authorized, "no");
  EXPECT_THAT(side_.written(), ElementsAre("PUBREC 6 87 1F=no"));
  EXPECT_EQ(side_.feed(publish(6, 2)), "received PUBLISH 6 qos2 t=x") << "the identifier is free [MQTT-4.3.3-9]";
}

TEST_F(PublishTest, InOldVersionsARefusalCannotBeSaid) {
  connect({}, ProtocolVersion::v3_1_1);
  side_.feed(publish(6, 2));
  done(publish(6, 2), Ticket::done(), ReasonCode::not_authorized, "no");
  EXPECT_EQ(side_.feed_ack(PacketType::pubrel, 6), "released 6");
  side_.endpoint->complete(6, Ticket::done(), side_.out);
  EXPECT_THAT(side_.written(), ElementsAre("PUBREC 6 00", "PUBCOMP 6 00"));
}

TEST_F(PublishTest, ReasonStringsOnlyWhereTheyAreWantedAndFit) {
  connect({{PropertyId::request_problem_information, 0}});
  side_.feed(publish(1, 1));
  done(publish(1, 1), Ticket::done(), ReasonCode::not_authorized, "no");
  EXPECT_THAT(side_.written(), ElementsAre("PUBACK 1 87"));
  side_.options.topic_alias_maximum = 0;
  connect({{PropertyId::maximum_packet_size, 20}});
  side_.feed(publish(1, 1));
  done(publish(1, 1), Ticket::done(), ReasonCode::not_authorized, "a long explanation");
  EXPECT_THAT(side_.written(), ElementsAre("PUBACK 1 87"));
}

TEST_F(PublishTest, AnUnknownReleaseIsCompletedWithNotFound) {
  connect();
  EXPECT_EQ(side_.feed_ack(PacketType::pubrel, 77), "handled");
  EXPECT_THAT(side_.written(), ElementsAre("PUBCOMP 77 92"));
}

TEST_F(PublishTest, TheReceiveMaximumHoldsForTheClient) {
  side_.options.receive_maximum = 2;
  connect();
  side_.feed(publish(1, 2));
  done(publish(1, 2));
  side_.feed(publish(2, 1));
  done(publish(2, 1));
  side_.feed(publish(3, 2));
  done(publish(3, 2));
  EXPECT_EQ(side_.feed(publish(3, 2)), "handled") << "a repetition counts once";
  side_.out.clear();
  EXPECT_EQ(side_.feed(publish(4, 1)), "failed 93 MQTT-3.3.4-7");
  EXPECT_THAT(side_.written(), ElementsAre(HasSubstr("DISCONNECT 93")));
  // On the next connection only what is repeated there counts; after the release the window is whole again.
  connect();
  side_.feed(publish(1, 2));
  EXPECT_EQ(side_.feed(publish(5, 2)), "received PUBLISH 5 qos2 t=x");
  done(publish(5, 2));
  for (const std::uint16_t packet_id : {std::uint16_t{1}, std::uint16_t{3}}) {  // 3 was not repeated: it frees nothing
    side_.feed_ack(PacketType::pubrel, packet_id);
    side_.endpoint->complete(packet_id, Ticket::done(), side_.out);
  }
  EXPECT_EQ(side_.feed(publish(6, 2)), "received PUBLISH 6 qos2 t=x");
  done(publish(6, 2));
  EXPECT_EQ(side_.feed(publish(7, 2)), "failed 93 MQTT-3.3.4-7");
}

TEST_F(PublishTest, OldVersionsHaveNoReceiveMaximum) {
  side_.options.receive_maximum = 1;
  connect({}, ProtocolVersion::v3_1_1);
  for (std::uint16_t id = 1; id < 50; ++id) {
    EXPECT_THAT(side_.feed(publish(id, 2)), HasSubstr("received"));
    done(publish(id, 2));
  }
}

TEST_F(PublishTest, QosAndRetainThatAreNotOfferedEndTheConnection) {
  side_.options.maximum_qos = QoS::at_least_once;
  connect();
  EXPECT_EQ(side_.feed(publish(1, 2)), "failed 9B MQTT-3.2.2-11");
  side_.options.retain_available = false;
  connect();
  wire::Publish retained = publish(0, 0);
  retained.retain = true;
  EXPECT_EQ(side_.feed(retained), "failed 9A MQTT-3.2.2-14");
}

TEST_F(PublishTest, AnAliasStandsForItsTopic) {
  side_.options.topic_alias_maximum = 2;
  connect();
  PropertyWriter two;
  two.add_number(PropertyId::topic_alias, 2);
  wire::Publish packet = publish(0, 0, "long/topic");
  packet.properties = two.properties();
  EXPECT_EQ(side_.feed(packet), "received PUBLISH 0 qos0 long/topic=x 23=2");
  packet.topic = {};
  EXPECT_EQ(side_.feed(packet), "received PUBLISH 0 qos0 long/topic=x 23=2");
  PropertyWriter one;
  one.add_number(PropertyId::topic_alias, 1);
  packet.properties = one.properties();
  EXPECT_EQ(side_.feed(packet), "failed 94 MQTT-3.3.2-7") << "never defined";
  connect();
  packet.properties = two.properties();
  EXPECT_EQ(side_.feed(packet), "failed 94 MQTT-3.3.2-7") << "aliases die with their connection";
  connect();
  PropertyWriter three;
  three.add_number(PropertyId::topic_alias, 3);
  packet.topic = "t";
  packet.properties = three.properties();
  EXPECT_EQ(side_.feed(packet), "failed 94 MQTT-3.2.2-17");
}

// --- sending

TEST_F(PublishTest, DeliversEachQos) {
  connect();
  side_.deliver(delivery("a", 0));
  side_.deliver(delivery("b", 1));
  side_.deliver(delivery("c", 2));
  EXPECT_THAT(side_.written(), ElementsAre("PUBLISH 0 qos0 a=x", "PUBLISH 1 qos1 b=x", "PUBLISH 2 qos2 c=x"));
  EXPECT_THAT(side_.observer.take(), ElementsAre("sent a", "sent b", "sent c"));
  EXPECT_EQ(side_.endpoint->window_used(), 2u);
  EXPECT_EQ(side_.feed_ack(PacketType::puback, 1), "finished 1 00 b");
  EXPECT_EQ(side_.feed_ack(PacketType::pubrec, 2), "release due 2");
  EXPECT_THAT(side_.written(), IsEmpty());
  side_.endpoint->release_sent(2, Ticket::at(4), side_.out);
  EXPECT_THAT(side_.written(), IsEmpty());
  side_.endpoint->durable(4, side_.out);
  EXPECT_THAT(side_.written(), ElementsAre("PUBREL 2 00"));
  EXPECT_EQ(side_.endpoint->window_used(), 1u) << "until PUBCOMP";
  EXPECT_EQ(side_.feed_ack(PacketType::pubcomp, 2), "finished 2 00 c");
  EXPECT_EQ(side_.endpoint->window_used(), 0u);
  EXPECT_EQ(state_.outgoing.in_flight(), 0u);
}

TEST_F(PublishTest, RepeatedAndUnknownAcknowledgements) {
  connect();
  side_.deliver(delivery("c", 2));
  side_.feed_ack(PacketType::pubrec, 1);
  side_.endpoint->release_sent(1, Ticket::done(), side_.out);
  EXPECT_EQ(side_.feed_ack(PacketType::pubrec, 1), "handled");
  EXPECT_THAT(side_.written(), ElementsAre("PUBLISH 1 qos2 c=x", "PUBREL 1 00", "PUBREL 1 00"));
  EXPECT_EQ(side_.feed_ack(PacketType::pubcomp, 1), "finished 1 00 c");
  EXPECT_EQ(side_.feed_ack(PacketType::pubcomp, 1), "handled");
  EXPECT_EQ(side_.feed_ack(PacketType::puback, 9), "handled");
  EXPECT_THAT(side_.written(), IsEmpty());
  EXPECT_EQ(side_.feed_ack(PacketType::pubrec, 9), "handled");
  EXPECT_THAT(side_.written(), ElementsAre("PUBREL 9 92"));
}

TEST_F(PublishTest, TheWrongAcknowledgementIsAnError) {
  connect();
  side_.deliver(delivery("c", 2));
  EXPECT_THAT(side_.feed_ack(PacketType::puback, 1), HasSubstr("failed 82"));
  connect();
  side_.deliver(delivery("b", 1));
  EXPECT_THAT(side_.feed_ack(PacketType::pubrec, 2), HasSubstr("failed 82"));
}

TEST_F(PublishTest, ARefusingPubrecEndsTheDelivery) {
  connect();
  side_.deliver(delivery("c", 2));
  side_.out.clear();
  EXPECT_EQ(side_.feed_ack(PacketType::pubrec, 1, ReasonCode::quota_exceeded), "finished 1 97 c");
  EXPECT_THAT(side_.written(), IsEmpty()) << "no PUBREL";
  EXPECT_EQ(side_.endpoint->window_used(), 0u);
  connect();
  EXPECT_THAT(resent_, IsEmpty()) << "and it is not sent again [MQTT-4.4.0-2]";
}

TEST_F(PublishTest, TheWindowHoldsBackOnlyQos1And2) {
  connect({{PropertyId::receive_maximum, 2}});
  for (const char* topic : {"a", "b", "c", "d"}) side_.deliver(delivery(topic, 1));
  side_.deliver(delivery("zero", 0));
  EXPECT_THAT(side_.written(), ElementsAre("PUBLISH 1 qos1 a=x", "PUBLISH 2 qos1 b=x", "PUBLISH 0 qos0 zero=x"));
  EXPECT_FALSE(side_.endpoint->can_send(QoS::at_least_once, side_.out));
  EXPECT_TRUE(side_.endpoint->can_send(QoS::at_most_once, side_.out));
  side_.pump();
  EXPECT_THAT(side_.written(), IsEmpty());
  side_.feed_ack(PacketType::puback, 2);
  side_.deliver(delivery("e", 1));
  EXPECT_THAT(side_.written(), IsEmpty()) << "e is behind c";
  side_.pump();
  EXPECT_THAT(side_.written(), ElementsAre("PUBLISH 3 qos1 c=x"));
}

TEST_F(PublishTest, OurOwnLimitOnTheWindowHoldsToo) {
  side_.options.max_in_flight = 1;
  connect({}, ProtocolVersion::v3_1_1);
  side_.deliver(delivery("a", 2));
  side_.deliver(delivery("b", 1));
  EXPECT_THAT(side_.written(), SizeIs(1));
  EXPECT_EQ(side_.endpoint->window_size(), 1u);
}

TEST_F(PublishTest, AFullOutboxLetsEverythingWait) {
  side_.options.outbox_high_bytes = 100;
  connect();
  side_.deliver(delivery("a", 0, std::string(200, 'x')));
  side_.deliver(delivery("b", 0));
  side_.deliver(delivery("c", 1));
  EXPECT_THAT(side_.observer.take(), ElementsAre("sent a", "queued b", "queued c"));
  EXPECT_THAT(side_.written(), SizeIs(1));
  side_.pump();
  EXPECT_THAT(side_.written(), ElementsAre("PUBLISH 1 qos1 c=x", "PUBLISH 0 qos0 b=x"));
}

TEST_F(PublishTest, UnfinishedMessagesAreSentAgainInOrderWithTheirIdentifiers) {
  connect();
  for (const auto& [topic, qos] : {std::pair("a", 1u), {"b", 2u}, {"c", 2u}, {"d", 1u}}) {
    side_.deliver(delivery(topic, qos));
  }
  side_.deliver(delivery("lost", 0));
  side_.feed_ack(PacketType::pubrec, 2);
  side_.endpoint->release_sent(2, Ticket::at(8), side_.out);
  side_.feed_ack(PacketType::puback, 4);
  connect();
  EXPECT_THAT(resent_, ElementsAre("PUBLISH 1 qos1 dup a=x", "PUBLISH 3 qos2 dup c=x"));
  side_.endpoint->durable(8, side_.out);
  EXPECT_THAT(side_.written(), ElementsAre("PUBREL 2 00")) << "its release is stored now";
  connect();
  side_.endpoint->durable(8, side_.out);
  side_.pump();
  side_.feed_ack(PacketType::pubcomp, 2);
  side_.feed_ack(PacketType::puback, 1);
  side_.feed_ack(PacketType::pubrec, 3);
  side_.endpoint->release_sent(3, Ticket::done(), side_.out);
  side_.feed_ack(PacketType::pubcomp, 3);
  EXPECT_EQ(state_.outgoing.in_flight(), 0u);
}

TEST_F(PublishTest, TheWindowMayBeSmallerOnTheNextConnection) {
  connect();
  for (const char* topic : {"a", "b", "c", "d"}) side_.deliver(delivery(topic, 1));
  connect({{PropertyId::receive_maximum, 1}});
  EXPECT_THAT(resent_, ElementsAre("PUBLISH 1 qos1 dup a=x"));
  side_.deliver(delivery("new", 1));
  side_.feed_ack(PacketType::puback, 1);
  side_.pump();
  EXPECT_THAT(side_.written(), ElementsAre("PUBLISH 2 qos1 dup b=x"));
  // An acknowledgement of what was not sent on this connection (it crossed the loss) frees no window.
  EXPECT_EQ(side_.feed_ack(PacketType::puback, 4), "finished 4 00 d");
  side_.pump();
  EXPECT_THAT(side_.written(), IsEmpty());
  for (const std::uint16_t id : {std::uint16_t{2}, std::uint16_t{3}}) {
    side_.feed_ack(PacketType::puback, id);
    side_.pump();
  }
  EXPECT_THAT(side_.written(), ElementsAre("PUBLISH 3 qos1 dup c=x", "PUBLISH 5 qos1 new=x"));
}

TEST_F(PublishTest, WithoutAReconnectNothingIsSentAgain) {
  connect();
  side_.deliver(delivery("a", 1));
  side_.out.clear();
  side_.pass_ms(1'000'000);
  side_.pump();
  EXPECT_THAT(side_.written(), IsEmpty());
}

TEST_F(PublishTest, WhatDoesNotFitThePeersMaximumCountsAsDelivered) {
  side_.options.topic_alias_maximum = 0;
  connect({{PropertyId::maximum_packet_size, 50}, {PropertyId::receive_maximum, 1}});
  for (const unsigned qos : {0u, 1u, 2u}) side_.deliver(delivery("big", qos, std::string(100, 'x')));
  EXPECT_THAT(side_.observer.take(),
              ElementsAre("dropped big too_large", "dropped big too_large", "dropped big too_large"));
  EXPECT_THAT(side_.written(), IsEmpty());
  EXPECT_EQ(state_.outgoing.in_flight(), 0u);
  side_.deliver(delivery("small", 1));
  EXPECT_THAT(side_.written(), SizeIs(1));
}

TEST_F(PublishTest, NothingLargerThanThePeersMaximumIsEverWritten) {
  side_.options.topic_alias_maximum = 0;
  side_.options.alias_out_maximum = 10;
  constexpr std::size_t kMaximum = 300;
  // Around every edge: the packet with an alias is longer, and so may be its two length fields.
  for (std::size_t payload = 0; payload < 320; ++payload) {
    for (std::size_t properties_size : {0u, 110u, 115u, 120u, 121u, 122u, 123u, 124u, 125u}) {
      connect({{PropertyId::maximum_packet_size, kMaximum}, {PropertyId::topic_alias_maximum, 10}});
      PropertyWriter properties;
      properties.add_text(PropertyId::content_type, std::string(properties_size, 'c'));
      Delivery made = delivery("topic/name", 0);
      made.message = MessageRef::make("topic/name", as_bytes(std::string(payload, 'x')), properties.properties(), {});
      for (int time = 0; time < 2; ++time) {
        Delivery copy;
        copy.message = made.message;
        side_.deliver(std::move(copy));
        ASSERT_LE(take_bytes(side_.out).size(), kMaximum) << payload << " " << properties_size;
      }
    }
  }
}

TEST_F(PublishTest, WhatTheFormatCannotHoldIsDropped) {
  connect();
  // As large as it can come in; the subscription identifier makes it too large to go out.
  const Bytes payload(wire::kMaxRemainingLength - 6);
  Delivery made;
  made.message = MessageRef::make("t", payload, {}, {});
  const std::uint32_t identifiers[] = {268'435'455};
  made.identifiers = SubscriptionIdentifiers(identifiers);
  side_.deliver(std::move(made));
  EXPECT_THAT(side_.observer.take(), ElementsAre("dropped t too_large"));
  EXPECT_TRUE(side_.out.empty());
}

TEST_F(PublishTest, AliasesAreUsedWithinThePeersMaximum) {
  side_.options.alias_out_maximum = 5;
  connect({{PropertyId::topic_alias_maximum, 1}});
  side_.deliver(delivery("long/topic", 0));
  side_.deliver(delivery("long/topic", 1));
  side_.deliver(delivery("other/topic", 0));
  EXPECT_THAT(side_.written(), ElementsAre("PUBLISH 0 qos0 long/topic=x 23=1", "PUBLISH 1 qos1 =x 23=1",
                                           "PUBLISH 0 qos0 other/topic=x"));
  connect({{PropertyId::topic_alias_maximum, 1}});
  EXPECT_THAT(resent_, ElementsAre("PUBLISH 1 qos1 dup long/topic=x 23=1"));
}

TEST_F(PublishTest, NoAliasesForOldVersionsOrWithoutLeave) {
  side_.options.alias_out_maximum = 5;
  for (const ProtocolVersion version : {ProtocolVersion::v5_0, ProtocolVersion::v3_1_1}) {
    connect({}, version);
    for (int i = 0; i < 2; ++i) side_.deliver(delivery("long/topic", 0));
    EXPECT_THAT(side_.written(), ElementsAre("PUBLISH 0 qos0 long/topic=x", "PUBLISH 0 qos0 long/topic=x"));
  }
}

TEST_F(PublishTest, ExpiryIsCountedDownAndEndsWhatWaits) {
  connect({{PropertyId::receive_maximum, 1}});
  MessageFacts facts;
  facts.expires_at_ms = side_.now.mono_ms + 10'000;
  const auto expiring = [&](const char* topic) {
    Delivery made = delivery(topic, 1);
    made.message = message(topic, "x", facts);
    return made;
  };
  side_.pass_ms(3500);
  side_.deliver(expiring("sent"));
  EXPECT_THAT(side_.written(), ElementsAre("PUBLISH 1 qos1 sent=x 02=7"));
  side_.deliver(expiring("waits"));
  side_.deliver(delivery("stays", 1));
  side_.pass_ms(7000);
  side_.deliver(expiring("late"));
  connect({{PropertyId::receive_maximum, 1}});
  EXPECT_THAT(resent_, ElementsAre("PUBLISH 1 qos1 dup sent=x 02=0")) << "a PUBLISH once sent does not expire";
  side_.observer.take();
  side_.feed_ack(PacketType::puback, 1);
  side_.pump();
  EXPECT_THAT(side_.observer.take(), ElementsAre("dropped waits expired", "sent stays"));
}

TEST_F(PublishTest, SubscriptionIdentifiersGoWithTheDelivery) {
  connect();
  Delivery made = delivery("a", 0);
  const std::uint32_t identifiers[] = {7, 300};
  made.identifiers = SubscriptionIdentifiers(identifiers);
  made.retain = true;
  side_.deliver(std::move(made));
  EXPECT_THAT(side_.written(), ElementsAre("PUBLISH 0 qos0 retain a=x 0B=7 0B=300"));
}

TEST_F(PublishTest, WithoutAConnectionDeliveriesWait) {
  connect();
  side_.endpoint->disconnect(ReasonCode::success, {}, side_.out);
  side_.out.clear();
  side_.deliver(delivery("a", 1));
  EXPECT_THAT(side_.observer.take(), ElementsAre("queued a"));
  connect();
  EXPECT_THAT(resent_, ElementsAre("PUBLISH 1 qos1 a=x"));
}

}  // namespace
}  // namespace martlet::session::test
