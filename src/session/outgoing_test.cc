#include "session/outgoing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "session/test_support.h"

namespace martlet::session::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string topic_of(const Delivery& delivery) {
  return std::string(delivery.message->topic());
}

// What waits, in the order in which it would be sent.
Texts take_all(Outgoing& outgoing, bool acknowledged) {
  Texts topics;
  while (outgoing.has_waiting(acknowledged)) topics.push_back(topic_of(outgoing.take_waiting(acknowledged)));
  return topics;
}

InFlight& begin_sent(Outgoing& outgoing, Delivery delivery) {
  InFlight& entry = outgoing.begin(std::move(delivery));
  entry.on_wire = true;
  entry.dup = true;
  return entry;
}

TEST(Outgoing, IdentifiersAreNeverZeroNorInUseBeyondWrapAround) {
  Outgoing outgoing;
  // Three identifiers that are never given back, as a peer that answers the rest only would leave them.
  std::set<std::uint16_t> stuck;
  for (int i = 0; i < 3; ++i) stuck.insert(outgoing.begin(delivery("stuck", 1)).packet_id);
  std::set<std::uint16_t> held = stuck;
  std::vector<std::uint16_t> window;
  for (int i = 0; i < 200'000; ++i) {
    const std::uint16_t id = outgoing.begin(delivery("t", 1)).packet_id;
    ASSERT_NE(id, 0);
    ASSERT_TRUE(held.insert(id).second) << id << " is in use already";
    window.push_back(id);
    if (window.size() == 50) {
      for (std::uint16_t done : window) {
        outgoing.end(*outgoing.find(done));
        held.erase(done);
      }
      window.clear();
    }
  }
  for (std::uint16_t id : stuck) {
    ASSERT_NE(outgoing.find(id), nullptr);
    EXPECT_EQ(topic_of(outgoing.find(id)->delivery), "stuck");
  }
}

TEST(Outgoing, GivesOutEveryIdentifierOnceAndThenSaysThatNoneIsLeft) {
  Outgoing outgoing;
  std::set<std::uint16_t> ids;
  while (outgoing.identifiers_left()) ids.insert(outgoing.begin_request());
  EXPECT_EQ(ids.size(), 65'535u);
  EXPECT_FALSE(ids.contains(0));
  EXPECT_EQ(outgoing.begin_request(), 0);
  outgoing.end(*outgoing.find(777));
  EXPECT_EQ(outgoing.begin_request(), 777);
}

TEST(Outgoing, FindsOnlyWhatIsInFlight) {
  Outgoing outgoing;
  EXPECT_EQ(outgoing.find(1), nullptr);
  InFlight& entry = outgoing.begin(delivery("t", 2));
  const std::uint16_t id = entry.packet_id;
  EXPECT_EQ(outgoing.find(id), &entry);
  EXPECT_EQ(outgoing.find(static_cast<std::uint16_t>(id + 4)), nullptr);  // the same slot of four
  EXPECT_EQ(outgoing.in_flight(), 1u);
  outgoing.end(entry);
  EXPECT_EQ(outgoing.find(id), nullptr);
  EXPECT_EQ(outgoing.in_flight(), 0u);
}

TEST(Outgoing, KeepsTheOrderOfEachKind) {
  Outgoing outgoing;
  Recorder observer;
  for (const auto& [topic, qos] : {std::pair("a", 1u), {"b", 0u}, {"c", 2u}, {"d", 0u}, {"e", 1u}}) {
    outgoing.enqueue(delivery(topic, qos), {}, Now{}, observer);
  }
  EXPECT_EQ(outgoing.waiting_messages(), 5u);
  EXPECT_THAT(take_all(outgoing, true), ElementsAre("a", "c", "e"));
  EXPECT_THAT(take_all(outgoing, false), ElementsAre("b", "d"));
  EXPECT_EQ(outgoing.waiting_bytes(), 0u);
}

TEST(Outgoing, RestartSendsAgainInTheOrderOfFirstSending) {
  Outgoing outgoing;
  // Ends in between move the identifiers away from the order of sending.
  for (int i = 0; i < 10; ++i) begin_sent(outgoing, delivery("old", 1));
  std::vector<std::uint16_t> sent;
  for (const char* topic : {"a", "b", "c"}) {
    outgoing.end(*outgoing.find(static_cast<std::uint16_t>(sent.size() + 1)));
    sent.push_back(begin_sent(outgoing, delivery(topic, 1)).packet_id);
  }
  for (std::uint16_t id = 4; id <= 10; ++id) outgoing.end(*outgoing.find(id));
  const std::uint16_t request = outgoing.begin_request();

  outgoing.restart();
  EXPECT_EQ(outgoing.find(request), nullptr);
  std::vector<std::uint16_t> again;
  while (InFlight* entry = outgoing.next_to_resend()) {
    EXPECT_TRUE(entry->dup);
    EXPECT_FALSE(entry->in_window);
    again.push_back(entry->packet_id);
    entry->on_wire = true;
  }
  EXPECT_EQ(again, sent);
  EXPECT_EQ(outgoing.next_to_resend(), nullptr);
}

TEST(Outgoing, ResendSkipsWhatEndedMeanwhile) {
  Outgoing outgoing;
  begin_sent(outgoing, delivery("a", 1));
  begin_sent(outgoing, delivery("b", 1));
  outgoing.restart();
  outgoing.end(*outgoing.next_to_resend());
  ASSERT_NE(outgoing.next_to_resend(), nullptr);
  EXPECT_EQ(topic_of(outgoing.next_to_resend()->delivery), "b");
}

TEST(Outgoing, AfterALostSessionOldMessagesAreNewOnes) {
  Outgoing outgoing;
  const std::uint16_t published = begin_sent(outgoing, delivery("a", 2)).packet_id;
  InFlight& entry = begin_sent(outgoing, delivery("b", 2));
  entry.state = FlightState::released;
  const std::uint16_t released = entry.packet_id;
  outgoing.restart();
  Texts over;
  outgoing.forget_sent([&](const Delivery& delivery, std::uint16_t packet_id) {
    EXPECT_EQ(packet_id, released);
    over.push_back(topic_of(delivery));
  });
  EXPECT_THAT(over, ElementsAre("b")) << "the peer had received it";
  EXPECT_EQ(outgoing.find(released), nullptr);
  ASSERT_NE(outgoing.find(published), nullptr);
  EXPECT_FALSE(outgoing.find(published)->dup);
  EXPECT_EQ(outgoing.next_to_resend(), outgoing.find(published));
}

TEST(Outgoing, DropNewestKeepsWhatWaits) {
  Outgoing outgoing;
  Recorder observer;
  const QueueLimits limits{2, 1u << 20, DropPolicy::drop_newest};
  for (const char* topic : {"a", "b", "c"}) outgoing.enqueue(delivery(topic, 1), limits, Now{}, observer);
  EXPECT_THAT(observer.take(), ElementsAre("queued a", "queued b", "dropped c queue_full"));
  EXPECT_THAT(take_all(outgoing, true), ElementsAre("a", "b"));
}

TEST(Outgoing, DropOldestMakesRoom) {
  Outgoing outgoing;
  Recorder observer;
  const QueueLimits limits{2, 1u << 20, DropPolicy::drop_oldest};
  for (const char* topic : {"a", "b", "c"}) outgoing.enqueue(delivery(topic, 1), limits, Now{}, observer);
  EXPECT_THAT(observer.take(), ElementsAre("queued a", "queued b", "dropped a queue_full", "queued c"));
  EXPECT_THAT(take_all(outgoing, true), ElementsAre("b", "c"));
}

TEST(Outgoing, BytesAreLimitedToo) {
  Recorder observer;
  const std::uint64_t one = delivery("a", 0, std::string(100, 'x')).footprint_bytes();
  for (const DropPolicy policy : {DropPolicy::drop_newest, DropPolicy::drop_oldest}) {
    Outgoing outgoing;
    const QueueLimits limits{100, 2 * one, policy};
    for (const char* topic : {"a", "b", "c"}) {
      outgoing.enqueue(delivery(topic, 0, std::string(100, 'x')), limits, Now{}, observer);
      EXPECT_LE(outgoing.waiting_bytes(), limits.max_bytes);
    }
    EXPECT_EQ(outgoing.waiting_bytes(), 2 * one);
    EXPECT_EQ(take_all(outgoing, false), policy == DropPolicy::drop_newest ? Texts({"a", "b"}) : Texts({"b", "c"}));
  }
}

TEST(Outgoing, SubscriptionIdentifiersCountToo) {
  Outgoing outgoing;
  Recorder observer;
  Delivery many = delivery("a", 1);
  const std::vector<std::uint32_t> identifiers(1000, 7);
  many.identifiers = SubscriptionIdentifiers(identifiers);
  outgoing.enqueue(std::move(many), {}, Now{}, observer);
  EXPECT_GE(outgoing.waiting_bytes(), identifiers.size() * sizeof(std::uint32_t));
  outgoing.take_waiting(true);
  EXPECT_EQ(outgoing.waiting_bytes(), 0u);
}

TEST(Outgoing, AMessageThatCanNeverFitDropsNothingElse) {
  Outgoing outgoing;
  Recorder observer;
  const QueueLimits limits{10, 1000, DropPolicy::drop_oldest};
  outgoing.enqueue(delivery("small", 1), limits, Now{}, observer);
  outgoing.enqueue(delivery("huge", 1, std::string(2000, 'x')), limits, Now{}, observer);
  EXPECT_THAT(observer.take(), ElementsAre("queued small", "dropped huge queue_full"));
  EXPECT_THAT(take_all(outgoing, true), ElementsAre("small"));
}

TEST(Outgoing, TwoRestoredUnderOneIdentifierGetTwo) {
  Outgoing outgoing;
  outgoing.restore(delivery("first", 2), 7, FlightState::published);
  outgoing.restore(delivery("second", 2), 7, FlightState::published);
  outgoing.restore(delivery("third", 2), 0, FlightState::released);
  EXPECT_EQ(outgoing.in_flight(), 3u);
  ASSERT_NE(outgoing.find(7), nullptr);
  EXPECT_EQ(topic_of(outgoing.find(7)->delivery), "first");
  EXPECT_EQ(outgoing.find(0), nullptr);
}

class HandOver : public ::testing::Test {
 protected:
  // Sent: QoS 1 and QoS 2 of origins 7 and 8. Waiting: QoS 1 and QoS 0 of both.
  void SetUp() override {
    begin_sent(outgoing_, delivery("sent1/7", 1, "x", 7));
    begin_sent(outgoing_, delivery("sent2/7", 2, "x", 7));
    begin_sent(outgoing_, delivery("sent1/8", 1, "x", 8));
    for (const auto& [topic, qos, origin] :
         {std::tuple("w1/7", 1u, 7u), {"w1/8", 1u, 8u}, {"w2/7", 2u, 7u}, {"w0/7", 0u, 7u}}) {
      outgoing_.enqueue(delivery(topic, qos, "x", origin), {}, Now{}, observer_);
    }
  }
  Texts hand_over(Unacknowledged unacknowledged) {
    Texts given;
    outgoing_.hand_over(
        unacknowledged, 1000, [](std::uint32_t origin) { return origin == 7; },
        [&](const Delivery& delivery) { given.push_back(topic_of(delivery)); });
    return given;
  }
  Outgoing outgoing_;
  Recorder observer_;
};

TEST_F(HandOver, GivesWhatWasNotSentAndUnacknowledgedQos1) {
  EXPECT_THAT(hand_over(Unacknowledged::give), ElementsAre("sent1/7", "w1/7", "w2/7", "w0/7"));
  EXPECT_EQ(outgoing_.in_flight(), 2u);  // the QoS 2 under way, and the other origin's
  EXPECT_THAT(take_all(outgoing_, true), ElementsAre("w1/8"));
  EXPECT_THAT(take_all(outgoing_, false), IsEmpty());
  EXPECT_EQ(outgoing_.waiting_bytes(), 0u);
}

TEST_F(HandOver, TakesOutWhatIsInTheLogInItsOrder) {
  Outgoing outgoing;
  const auto logged = [](std::uint64_t position, unsigned qos, std::uint32_t origin) {
    Delivery one = delivery("t", qos, "x", origin);
    one.position = position;
    return one;
  };
  begin_sent(outgoing, logged(1, 2, 7));
  begin_sent(outgoing, logged(2, 1, 8));
  begin_sent(outgoing, logged(3, 1, 7));
  for (const auto& [position, qos, origin] :
       {std::tuple(4u, 1u, 8u), {5u, 2u, 7u}, {6u, 1u, 0u}, {7u, 1u, 7u}, {0u, 0u, 7u}}) {
    outgoing.enqueue(logged(position, qos, origin), {}, Now{}, observer_);
  }
  const Outgoing taken = outgoing.take_logged([](std::uint32_t origin) { return origin == 7; });
  std::vector<std::uint64_t> positions;
  taken.for_each_logged([&](const LoggedDelivery& one) {
    positions.push_back(one.position);
    EXPECT_EQ(one.origin, 7u);
  });
  EXPECT_THAT(positions, ElementsAre(3u, 5u, 7u)) << "QoS 2 that was sent stays [MQTT-4.8.2-5]";
  EXPECT_EQ(taken.with_origin(), 3u);
  EXPECT_GT(taken.waiting_bytes(), 0u);
  positions.clear();
  outgoing.for_each_logged([&](const LoggedDelivery& one) { positions.push_back(one.position); });
  EXPECT_THAT(positions, ElementsAre(1u, 2u, 4u, 6u));
  EXPECT_EQ(outgoing.with_origin(), 4u) << "with the QoS 0 message, which is not in the log";
  EXPECT_EQ(outgoing.in_flight(), 2u);
}

TEST_F(HandOver, WhatCannotBeReadIsPutBackInItsPlace) {
  Outgoing outgoing;
  for (std::uint64_t position = 1; position <= 6; ++position) {
    Delivery one = delivery("t", 1, "x", position % 2 == 0 ? 7 : 8);
    one.position = position;
    outgoing.enqueue(std::move(one), {}, Now{}, observer_);
  }
  const std::uint64_t bytes = outgoing.waiting_bytes();
  std::vector<Delivery> given;
  outgoing.hand_over(
      Unacknowledged::give, 2, [](std::uint32_t origin) { return origin == 7; },
      [&](Delivery one) { given.push_back(std::move(one)); });
  ASSERT_EQ(given.size(), 2u);
  outgoing.put_back(given, bytes / 6);
  std::vector<std::uint64_t> positions;
  outgoing.for_each_logged([&](const LoggedDelivery& one) { positions.push_back(one.position); });
  EXPECT_THAT(positions, ElementsAre(1u, 2u, 3u, 4u, 5u, 6u));
  EXPECT_EQ(outgoing.with_origin(), 6u);
  EXPECT_EQ(outgoing.waiting_bytes(), bytes);
}

TEST_F(HandOver, LeavesWhatWasSentToAPeerThatIsThere) {
  EXPECT_THAT(hand_over(Unacknowledged::keep), ElementsAre("w1/7", "w2/7", "w0/7"));
  EXPECT_EQ(outgoing_.in_flight(), 3u);
}

TEST_F(HandOver, ForEachSeesTheRest) {
  hand_over(Unacknowledged::give);
  Texts left;
  outgoing_.for_each([&](const Delivery& delivery) { left.push_back(topic_of(delivery)); });
  EXPECT_THAT(left, ::testing::UnorderedElementsAre("sent2/7", "sent1/8", "w1/8"));
}

}  // namespace
}  // namespace martlet::session::test
