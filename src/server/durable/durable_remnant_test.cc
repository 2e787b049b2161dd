// What a session that ended leaves of shared subscriptions reaches other members, whatever happens meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "server/testing/durable_fixture.h"

namespace martlet::server {
namespace {

using testing::Durable;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::PacketType;
using testing::QoS;
using testing::Texts;

class Remnant : public Durable {
 protected:
  static constexpr std::uint16_t kMessages = 50;
  static constexpr std::uint16_t kSent = 2;

  Remnant() {
    options_.hand_over_step = 10;
    options_.endpoint.max_in_flight = kSent;
    options_.log.recent_bytes = 0;
  }

  // Two members: "second" is away, "first" is given messages "1" to "50" and is sent two of them.
  void give_first_everything(unsigned qos) {
    process().subscribe(process().connect("first"), "own", 1);
    const auto second = process().connect("second");
    process().subscribe(second, "$share/g/t", 2);
    process().leave(second);
    const auto first = process().connect("first");
    process().subscribe(first, "$share/g/t", 2);
    const auto writer = process().connect("writer", 0);
    for (std::uint16_t i = 1; i <= kMessages; ++i) process().publish(writer, "t", qos, std::to_string(i), i);
    process().publish(writer, "own", 1, "own", kMessages + 1);
    process().commit();
    process().written(first);
  }
  broker::ConnectionId start_clean(std::string_view client_id) {
    wire::PropertyWriter properties;
    properties.add_number(wire::PropertyId::session_expiry_interval, 1000);
    wire::Connect packet;
    packet.client_id = client_id;
    packet.clean_start = true;
    packet.properties = properties.properties();
    return process().open(packet);
  }
  void turn() {
    clock_.time.mono_ms += 1;
    process().broker().run_timers(clock_.time);
    process().commit();
  }
  void hand_over_the_rest() {
    for (int i = 0; i < 10 && process().broker().remnants() > 0; ++i) turn();
    EXPECT_EQ(process().broker().remnants(), 0u);
  }
  // Everything that a client gets on a new connection; payloads.
  Texts take(std::string_view client_id) {
    const auto id = process().connect(client_id);
    Texts got;
    for (;;) {
      const Texts written = process().written(id);
      if (written.empty()) break;
      for (const std::string& text : written) {
        if (!text.starts_with("PUBLISH ")) continue;
        got.push_back(text.substr(text.rfind('=') + 1));
        const auto packet_id = static_cast<std::uint16_t>(std::stoi(text.substr(8)));
        const bool once = text.find("qos1") != std::string::npos;
        process().ack(id, once ? PacketType::puback : PacketType::pubrec, packet_id);
        if (!once) process().ack(id, PacketType::pubcomp, packet_id);
      }
      process().commit();
    }
    process().leave(id);
    return got;
  }
  static Texts numbers(std::uint16_t from) {
    Texts all;
    for (std::uint16_t i = from; i <= kMessages; ++i) all.push_back(std::to_string(i));
    return all;
  }
};

TEST_F(Remnant, ACrashInTheMiddleLosesAndDoublesNothing) {
  for (const unsigned qos : {1u, 2u}) {
    disk_ = std::make_shared<store::MemoryDisk>();
    process_.reset();
    give_first_everything(qos);
    start_clean("first");
    process().commit();
    turn();
    ASSERT_EQ(process().broker().verdicts().count(broker::VerdictReason::handed_over), 20u);
    start_clean("other");  // what is handed over now is lost with it
    clock_.time.mono_ms += 1;
    process().broker().run_timers(clock_.time);

    lose_power();
    EXPECT_EQ(process().recovered->sessions, 2u) << "first and second";
    EXPECT_EQ(process().recovered->deliveries, qos == 2 ? kMessages - kSent : kMessages);
    EXPECT_EQ(process().broker().remnants(), 1u);
    turn();
    lose_power();
    hand_over_the_rest();
    // What was sent at QoS 2 ended with the session [MQTT-4.8.2-5].
    EXPECT_THAT(take("second"), ::testing::UnorderedElementsAreArray(numbers(qos == 2 ? kSent + 1 : 1)));
    EXPECT_THAT(take("first"), IsEmpty()) << "it started anew";
    lose_power();
    EXPECT_EQ(process().broker().remnants(), 0u);
  }
}

TEST_F(Remnant, AClientDoesNotGetItBackAfterACrash) {
  give_first_everything(2);
  const auto first = start_clean("first");
  EXPECT_THAT(process().written(first), IsEmpty()) << "the end of its session is not durable yet";
  process().commit();
  EXPECT_THAT(process().written(first), ElementsAre(Not(HasSubstr("present"))));

  lose_power();
  EXPECT_EQ(process().broker().remnants(), 1u);
  const auto again = process().connect("first");
  const Texts hello = process().written(again);
  EXPECT_THAT(hello, ElementsAre(HasSubstr("present"))) << "the new session, which has nothing";
  process().leave(again);
  const auto writer = process().connect("writer", 0);
  process().publish(writer, "own", 1, "nobody is subscribed", 1);
  hand_over_the_rest();
  EXPECT_THAT(take("first"), IsEmpty());
  EXPECT_THAT(take("second"), ::testing::UnorderedElementsAreArray(numbers(kSent + 1)));
  EXPECT_EQ(process().broker().subscriptions(), 1u) << "of second alone";
}

TEST_F(Remnant, ACrashWithoutANewSessionGoesOnToo) {
  give_first_everything(2);
  wire::PropertyWriter properties;
  properties.add_number(wire::PropertyId::session_expiry_interval, 0);
  const auto first = process().connect("first");
  process().send(first, wire::Disconnect{wire::ReasonCode::success, properties.properties()});
  process().commit();
  lose_power();
  EXPECT_EQ(process().recovered->sessions, 1u);
  hand_over_the_rest();
  EXPECT_THAT(take("second"), ::testing::UnorderedElementsAreArray(numbers(kSent + 1)));
}

TEST_F(Remnant, OfAConnectionWhoseSessionIsNotKeptACrashLosesNothing) {
  give_first_everything(1);
  process().connect("first", 0);
  lose_power();
  EXPECT_EQ(process().recovered->sessions, 1u);
  hand_over_the_rest();
  EXPECT_THAT(take("second"), ::testing::UnorderedElementsAreArray(numbers(1)));
}

TEST_F(Remnant, ACleanStopInTheMiddleGoesOn) {
  give_first_everything(2);
  start_clean("first");
  turn();
  for (int stop = 0; stop < 2; ++stop) {
    stop_and_start();
    ASSERT_TRUE(process().recovered);
    EXPECT_EQ(process().recovered->log_records, 0u) << "the log need not be read";
    EXPECT_EQ(process().recovered->deliveries, 48u);
    EXPECT_EQ(process().broker().remnants(), 1u);
    turn();
  }
  hand_over_the_rest();
  EXPECT_THAT(take("second"), ::testing::UnorderedElementsAreArray(numbers(kSent + 1)));
  EXPECT_THAT(take("first"), IsEmpty());
}

TEST_F(Remnant, TheLogIsKeptForItAndNoLonger) {
  give_first_everything(1);
  start_clean("first");
  process().commit();
  clock_.time.mono_ms += 10'000;
  process().broker().run_timers(clock_.time);
  process().commit();
  EXPECT_GT(process().broker().remnants(), 0u);
  EXPECT_LE(process().store().reader().first(), 41u) << "the fourth part may not be handed over yet";
  hand_over_the_rest();
  EXPECT_THAT(take("second"), ::testing::UnorderedElementsAreArray(numbers(1)));
  clock_.time.mono_ms += 10'000;
  process().broker().run_timers(clock_.time);
  process().commit();
  EXPECT_EQ(process().store().reader().first(), process().store().reader().end());
  std::size_t sessions = 0;
  ASSERT_TRUE(process().store().reader().scan(store::Table::sessions, {}, [&](ByteView, ByteView) {
    ++sessions;
    return true;
  }));
  EXPECT_EQ(sessions, 2u) << "of first and second";
}

}  // namespace
}  // namespace martlet::server
