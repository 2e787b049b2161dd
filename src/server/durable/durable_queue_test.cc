// What sessions are owed: it comes back after a crash, in order, within its limits, once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/testing/durable_fixture.h"

namespace martlet::server {
namespace {

using testing::Durable;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::PacketType;
using testing::Process;
using testing::QoS;
using testing::Texts;

TEST_F(Durable, OwedMessagesComeBackInOrder) {
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t/#", 2);
  process().leave(reader);
  const auto writer = process().connect("writer", 0);
  for (std::uint16_t i = 1; i <= 3; ++i) process().publish(writer, "t/a", 1, std::to_string(i), i);
  process().commit();
  process().publish(writer, "t/a", 1, "not synced", 4);

  EXPECT_EQ(lose_power().recovered->deliveries, 3u);
  const auto again = process().connect("reader");
  EXPECT_THAT(process().written(again),
              ElementsAre(HasSubstr("CONNACK 00 present"), HasSubstr("t/a=1"), HasSubstr("t/a=2"), HasSubstr("t/a=3")));
}

TEST_F(Durable, WhatWasAcknowledgedDoesNotComeBackOnceTheCursorIsWritten) {
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t", 1);
  const auto writer = process().connect("writer", 0);
  process().publish(writer, "t", 1, "x", 1);
  process().commit();
  process().ack(reader, PacketType::puback, 1);
  clock_.time.mono_ms += 1'000;
  process().broker().run_timers(clock_.time);
  process().commit();
  EXPECT_EQ(lose_power().recovered->deliveries, 0u);
}

TEST_F(Durable, AHandOverHoldsAfterTheCrash) {
  const auto first = process().connect("first");
  process().subscribe(first, "$share/g/t", 1);
  process().leave(first);
  const auto writer = process().connect("writer", 0);
  process().publish(writer, "t", 1, "x", 1);
  process().commit();
  const auto second = process().connect("second");
  process().subscribe(second, "$share/g/t", 1);
  EXPECT_THAT(process().written(second), ::testing::Contains(HasSubstr("t=x")));
  process().commit();

  EXPECT_EQ(lose_power().recovered->deliveries, 1u);
  const auto second_again = process().connect("second");
  EXPECT_THAT(process().written(second_again), ElementsAre(HasSubstr("CONNACK 00 present"), HasSubstr("t=x")));
  const auto first_again = process().connect("first");
  EXPECT_THAT(process().written(first_again), ElementsAre(HasSubstr("CONNACK 00 present")));
}

TEST_F(Durable, WhatIsOwedToAnAbsentSessionIsReadBackFromTheLogInOrder) {
  options_.log.recent_bytes = 1000;
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t/#", 1);
  process().leave(reader);
  const auto other = process().connect("other");
  process().subscribe(other, "t/2", 1);
  process().leave(other);
  const auto writer = process().connect("writer", 0);
  for (std::uint16_t i = 1; i <= 300; ++i) {
    process().publish(writer, i % 100 == 0 ? "t/2" : "t/1", 1, std::to_string(i), i);
    if (i == 299) process().commit();
  }
  const auto take = [&](std::string_view client_id) {
    const auto id = process().connect(client_id);
    Texts got;
    for (;;) {
      const Texts written = process().written(id);
      if (written.empty()) return got;
      for (const std::string& text : written) {
        if (!text.starts_with("PUBLISH ")) continue;
        got.push_back(text.substr(text.rfind('=') + 1));
        process().ack(id, PacketType::puback, static_cast<std::uint16_t>(std::stoi(text.substr(8))));
      }
    }
  };
  EXPECT_THAT(take("other"), ElementsAre("100", "200", "300"));
  const Texts got = take("reader");
  ASSERT_EQ(got.size(), 300u);
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i], std::to_string(i + 1));
}

TEST_F(Durable, ACleanStopNotesWhatIsOwed) {
  options_.endpoint.max_in_flight = 2;
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t", 2);
  process().subscribe(reader, "$share/g/s", 1);
  const auto writer = process().connect("writer", 0);
  for (std::uint16_t i = 1; i <= 6; ++i) {
    process().publish(writer, i % 3 == 0 ? "s" : "t", i % 2 + 1, std::to_string(i), i);
  }
  process().commit();
  EXPECT_THAT(process().written(reader), ::testing::Contains(HasSubstr("t=1")));
  stop_and_start();
  EXPECT_EQ(process().recovered->deliveries, 6u);
  EXPECT_EQ(process().recovered->log_records, 0u) << "the log need not be read";
  const auto again = process().connect("reader");
  Texts got;
  for (std::uint16_t id = 1;; ++id) {
    process().commit();
    const Texts written = process().written(again);
    for (const std::string& text : written) {
      if (!text.starts_with("PUBLISH ")) continue;
      got.push_back(text);
      process().ack(again, text.find("qos1") != std::string::npos ? PacketType::puback : PacketType::pubrec,
                    static_cast<std::uint16_t>(std::stoi(text.substr(8))));
      process().ack(again, PacketType::pubcomp, static_cast<std::uint16_t>(std::stoi(text.substr(8))));
    }
    if (written.empty()) break;
  }
  EXPECT_THAT(got, ElementsAre(HasSubstr("qos2 dup t=1"), HasSubstr("qos1 dup t=2"), HasSubstr("qos1 s=3"),
                               HasSubstr("qos1 t=4"), HasSubstr("qos1 s=6"), HasSubstr("qos2 t=5")))
      << "a QoS 2 identifier is stored before it is used";
  clock_.time.mono_ms += 1'000;
  process().broker().run_timers(clock_.time);
  process().commit();
  EXPECT_EQ(lose_power().recovered->deliveries, 0u) << "the notes of the stop ended with the first change";
}

TEST_F(Durable, AfterACrashWhatMayHaveBeenSentIsMarked) {
  options_.endpoint.max_in_flight = 2;
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t", 1);
  const auto writer = process().connect("writer", 0);
  for (std::uint16_t i = 1; i <= 3; ++i) process().publish(writer, "t", 1, std::to_string(i), i);
  process().leave(reader);
  clock_.time.mono_ms += 1'000;
  process().broker().run_timers(clock_.time);
  process().commit();
  lose_power();
  const auto again = process().connect("reader");
  EXPECT_THAT(process().written(again), ElementsAre(HasSubstr("CONNACK"), HasSubstr("dup t=1"), HasSubstr("dup t=2")));
  process().ack(again, PacketType::puback, 1);
  EXPECT_THAT(process().written(again), ElementsAre(HasSubstr("qos1 t=3"))) << "it was never sent";
}

TEST_F(Durable, WhatTheLimitsOfTheLogCutIsCountedForEachSession) {
  options_.log.max_age_s = 60;
  for (const char* name : {"first", "second"}) {
    const auto reader = process().connect(name);
    process().subscribe(reader, "t", 1);
    process().leave(reader);
  }
  const auto writer = process().connect("writer", 0);
  for (std::uint16_t i = 1; i <= 3; ++i) process().publish(writer, "t", 1, "old", i);
  process().commit();
  clock_.time.mono_ms += 50'000;
  clock_.time.wall_ms += 50'000;
  process().publish(writer, "t", 1, "new", 4);
  process().commit();
  clock_.time.mono_ms += 20'000;
  clock_.time.wall_ms += 20'000;
  process().ack(writer, PacketType::puback, 99);  // any event
  process().leave(process().connect("third"));    // sets the clock of the checkpoints going
  clock_.time.mono_ms += 1'000;
  process().broker().run_timers(clock_.time);
  process().commit();
  EXPECT_EQ(process().broker().verdicts().count(broker::VerdictReason::log_limit), 6u);
  EXPECT_THAT(process().broker().verdicts().dump(),
              HasSubstr("client=\"first\" topic=\"\" rule=\"store.max_age\" count=3"));
  EXPECT_EQ(process().store().reader().first(), 4u);
  const auto again = process().connect("first");
  EXPECT_THAT(process().written(again), ElementsAre(HasSubstr("CONNACK 00 present"), HasSubstr("t=new")));
}

TEST_F(Durable, AMessageOwedTwiceToOneSessionIsFinishedTwice) {
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t", 2);
  process().subscribe(reader, "$share/g/t", 2);
  const auto writer = process().connect("writer", 0);
  drop_hello(reader);
  process().publish(writer, "t", 2, "x", 1);
  process().commit();
  EXPECT_THAT(process().written(reader), ElementsAre(HasSubstr("PUBLISH 1 qos2"), HasSubstr("PUBLISH 2 qos2")));
  process().ack(reader, PacketType::pubrec, 1);
  process().commit();
  process().ack(reader, PacketType::pubcomp, 1);
  process().commit();
  EXPECT_EQ(lose_power().recovered->deliveries, 1u);
  const auto again = process().connect("reader");
  EXPECT_THAT(process().written(again),
              ElementsAre(HasSubstr("CONNACK 00 present"), HasSubstr("PUBLISH 2 qos2 dup t=x")));
}

TEST_F(Durable, WhoLeavesOneMessageUnfinishedForEverIsDisconnected) {
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t", 2);
  const auto writer = process().connect("writer", 0);
  process().commit();
  process().written(reader);
  std::uint32_t finished = 0;
  for (std::uint32_t i = 0; process().is_open(reader); ++i) {
    ASSERT_LT(i, 70'000u);
    const auto id = static_cast<std::uint16_t>(i % 60'000 + 1);
    process().publish(writer, "t", 2, "x", id);
    process().ack(writer, PacketType::pubrel, id);
    process().commit();
    for (const std::string& text : process().written(reader)) {
      if (!text.starts_with("PUBLISH ") || text.starts_with("PUBLISH 1 ")) continue;
      const auto received = static_cast<std::uint16_t>(std::stoi(text.substr(8)));
      process().ack(reader, PacketType::pubrec, received);
      process().ack(reader, PacketType::pubcomp, received);
      ++finished;
    }
    process().written(writer);
  }
  EXPECT_EQ(finished, 65'536u);
  EXPECT_EQ(process().broker().verdicts().count(broker::VerdictReason::limit_exceeded), 1u);
}

TEST_F(Durable, ALongHandOverGoesInParts) {
  const auto first = process().connect("first");
  process().subscribe(first, "$share/g/t", 1);
  process().leave(first);
  const auto writer = process().connect("writer", 0);
  constexpr std::uint16_t kMessages = 2500;
  for (std::uint16_t i = 1; i <= kMessages; ++i) {
    process().publish(writer, "t", 1, std::to_string(i), i);
    if (i % 500 == 0) process().commit();
  }
  const auto second = process().connect("second");
  process().subscribe(second, "$share/g/t", 1);
  EXPECT_EQ(process().broker().verdicts().count(broker::VerdictReason::handed_over), 1000u);
  for (int i = 0; i < 2; ++i) {
    clock_.time.mono_ms += 1;
    process().broker().run_timers(clock_.time);
  }
  EXPECT_EQ(process().broker().verdicts().count(broker::VerdictReason::handed_over), kMessages);
  process().commit();
  EXPECT_EQ(lose_power().recovered->deliveries, kMessages);
}

TEST_F(Durable, TheLogIsTrimmedBehindWhatIsOwed) {
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t", 1);
  const auto writer = process().connect("writer", 0);
  for (std::uint16_t i = 1; i <= 3; ++i) process().publish(writer, "t", 1, "x", i);
  process().commit();
  for (std::uint16_t i = 1; i <= 2; ++i) process().ack(reader, PacketType::puback, i);
  clock_.time.mono_ms += 10'000;
  process().broker().run_timers(clock_.time);
  process().commit();
  EXPECT_EQ(process().store().reader().first(), 3u);
}

TEST_F(Durable, ALimitThatCutsAQos2MessageUnderWayDoesNotStopTheNextStart) {
  options_.log.max_bytes = 1'000;
  options_.log.recent_bytes = 0;
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t/#", 2);
  const auto writer = process().connect("writer", 0);
  drop_hello(reader);
  process().publish(writer, "t/1", 2, "received", 1);
  process().publish(writer, "t/2", 2, "sent", 2);
  process().publish(writer, "t/3", 1, "sent", 3);
  process().commit();
  EXPECT_THAT(process().written(reader), ::testing::SizeIs(3));
  process().ack(reader, PacketType::pubrec, 1);
  process().commit();
  for (std::uint16_t i = 4; i <= 50; ++i) process().publish(writer, "t/4", 1, std::string(100, 'x'), i);
  process().commit();
  process().leave(process().connect("third"));  // sets the clock of the checkpoints going
  clock_.time.mono_ms += 6'000;
  clock_.time.wall_ms += 6'000;
  process().broker().run_timers(clock_.time);
  process().commit();
  ASSERT_GT(process().store().reader().first(), 3u) << "the limit has cut all three";

  for (const bool cleanly : {true, false}) {
    if (cleanly) {
      stop_and_start();
    } else {
      lose_power();
    }
    ASSERT_TRUE(process().recovered) << process().recovered.error().message;
    const auto again = process().connect("reader");
    EXPECT_THAT(process().written(again), ::testing::Contains(HasSubstr("PUBREL 1")))
        << "the receiver waits for it, and would take another message under this identifier for the old one";
    process().leave(again);
  }
}

TEST_F(Durable, HandOversThatWaitForTheDiskDoNotPileUp) {
  for (const char* name : {"first", "second"}) {
    const auto member = process().connect(name);
    process().subscribe(member, "$share/g/t", 1);
    process().leave(member);
  }
  const auto writer = process().connect("writer", 0);
  for (std::uint16_t i = 1; i <= 4; ++i) process().publish(writer, "t", 1, "x", i);
  process().commit();
  process().store().writer().append(as_bytes(std::string(65u << 20, 'x')));
  process().submit();  // the disk is behind
  const std::size_t before = process().broker().deadlines();
  for (int i = 0; i < 100; ++i) {
    wire::Connect packet;
    packet.client_id = "second";
    packet.clean_start = false;
    wire::PropertyWriter properties;
    properties.add_number(wire::PropertyId::session_expiry_interval, 1000);
    packet.properties = properties.properties();
    process().leave(process().open(packet));
  }
  // Of each connection that came and went an entry may wait for its time.
  EXPECT_LE(process().broker().deadlines(), before + 210);
  for (int i = 0; i < 10; ++i) {
    clock_.time.mono_ms += 200;
    process().broker().run_timers(clock_.time);
  }
}

TEST_F(Durable, NotesOfACleanStopThatAreDamagedGiveWayToTheLog) {
  for (const char* name : {"first", "second"}) {
    const auto reader = process().connect(name);
    process().subscribe(reader, "t", 1);
    process().leave(reader);
  }
  const auto writer = process().connect("writer", 0);
  for (std::uint16_t i = 1; i <= 3; ++i) process().publish(writer, "t", 1, "x", i);
  process().commit();
  process().broker().shut_down(clock_.time);
  process().write_clean_stop();
  process().commit();
  std::string last;
  ASSERT_TRUE(process().store().reader().scan(store::Table::meta, as_bytes(std::string_view("owed:")),
                                              [&](ByteView key, ByteView) {
                                                last = as_text(key);
                                                return true;
                                              }));
  process().store().writer().put(store::Table::meta, as_bytes(last), as_bytes(std::string_view("\xFF")));
  sync();
  lose_power();
  ASSERT_FALSE(process().recovered.has_value());
  EXPECT_THAT(process().recovered.error().message, HasSubstr("store.skip_damaged"));

  skip_damaged_ = true;
  process_.reset();
  ASSERT_TRUE(process().recovered.has_value());
  EXPECT_EQ(process().recovered->deliveries, 6u);
  EXPECT_EQ(process().recovered->log_records, 3u);
}

TEST_F(Durable, OldRetainedMessagesThatAreLoggedAgainCutNothingYoung) {
  options_.log.max_age_s = 60;
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t", 1);
  process().leave(reader);
  const auto writer = process().connect("writer", 0);
  for (std::uint16_t i = 1; i <= 20; ++i) process().publish(writer, "r/" + std::to_string(i), 1, "retained", i, true);
  process().publish(writer, "t", 1, "old", 21);
  process().commit();
  clock_.time.mono_ms += 70'000;
  clock_.time.wall_ms += 70'000;
  for (std::uint16_t i = 22; i <= 24; ++i) process().publish(writer, "t", 1, "young", i);
  process().commit();
  process().subscribe(process().connect("new"), "r/#", 1);  // each of them takes a place behind the young ones
  process().leave(process().connect("third"));              // sets the clock of the checkpoints going
  clock_.time.mono_ms += 1'000;
  clock_.time.wall_ms += 1'000;
  process().broker().run_timers(clock_.time);
  process().commit();
  EXPECT_EQ(process().broker().verdicts().count(broker::VerdictReason::log_limit), 1u);
  const auto again = process().connect("reader");
  EXPECT_THAT(process().written(again), ElementsAre(HasSubstr("CONNACK 00 present"), HasSubstr("t=young"),
                                                    HasSubstr("t=young"), HasSubstr("t=young")));
}

TEST_F(Durable, AnOlderCopyOfTheSameMessageGivesWayToTheNewOne) {
  options_.endpoint.queue.max_owed_messages = 1;
  options_.endpoint.queue.policy = session::DropPolicy::drop_oldest;
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t", 2);
  process().subscribe(reader, "$share/g/t", 2);
  process().leave(reader);
  const auto writer = process().connect("writer", 0);
  process().publish(writer, "t", 2, "x", 1);
  process().commit();
  EXPECT_EQ(process().broker().verdicts().count(broker::VerdictReason::queue_full), 1u);
  auto again = process().connect("reader");
  process().commit();
  EXPECT_THAT(process().written(again), ElementsAre(HasSubstr("CONNACK 00 present"), HasSubstr("qos2 t=x")));
  EXPECT_EQ(lose_power().recovered->deliveries, 1u);
  again = process().connect("reader");
  EXPECT_THAT(process().written(again), ElementsAre(HasSubstr("CONNACK 00 present"), HasSubstr("qos2 dup t=x")));
}

}  // namespace
}  // namespace martlet::server
