// A broker on a store in memory that is killed, or loses power, and comes back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "broker/testing/fake_ports.h"
#include "server/durable/clean_stop.h"
#include "server/durable/durable_records.h"
#include "server/durable/record_codec.h"
#include "server/durable/recovery.h"
#include "session/test_support.h"
#include "store/memory/memory_backend.h"

namespace martlet::server {
namespace {

using session::test::Texts;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using wire::PacketType;
using wire::ProtocolVersion;
using wire::QoS;

class ManualClock final : public env::Clock {
 public:
  Now now() override { return time; }
  Now time{1'000, 1'700'000'000'000};
};

// One process: from the start on what the disk holds to its end.
class Process {
 public:
  Process(std::shared_ptr<store::MemoryDisk> disk, ManualClock& clock, const broker::BrokerOptions& options,
          bool skip_damaged)
      : clock_(clock), options_(options) {
    options_.sys_interval_s = 0;
    options_.endpoint.alias_out_maximum = 0;
    store_ = store::Store::stepped(store::open_memory(std::move(disk)), {});
    options_.client_seed = client_seed(*store_, 77).value();
    records_.emplace(*store_, clock_, broker::surest_level(options_.durability));
    broker_.emplace(options_, broker::Ports{transport_, *records_, all_, all_, log_}, clock_.time);
    RecoveryOptions recovery;
    recovery.skip_damaged = skip_damaged;
    recovery.progress = [this](std::uint64_t done, std::uint64_t total) { progress.emplace_back(done, total); };
    recovered = recover(*store_, *broker_, recovery, log_, clock_.time);
  }

  // The disk has caught up.
  void commit() {
    records_->submit();
    while (store_->step()) {
    }
    broker_->durable(records_->durable_position(), clock_.time);
  }
  broker::ConnectionId connect(std::string_view client_id, std::uint32_t expiry_s = 1000,
                               std::string_view will_topic = {}) {
    wire::PropertyWriter properties;
    if (expiry_s != 0) properties.add_number(wire::PropertyId::session_expiry_interval, expiry_s);
    wire::Connect packet;
    packet.client_id = client_id;
    packet.clean_start = false;
    packet.properties = properties.properties();
    if (!will_topic.empty()) packet.will = wire::Will{will_topic, as_bytes("gone"), QoS::at_least_once, false, {}};
    const broker::ConnectionId id = open(packet);
    commit();
    return id;
  }
  broker::ConnectionId open(const wire::Connect& packet) {
    const broker::ConnectionId id = transport_.open();
    broker_->connection_opened(id, "tcp", "address", clock_.time);
    send(id, packet);
    return id;
  }
  void submit() { records_->submit(); }
  bool reading_paused(broker::ConnectionId id) { return transport_.at(id).paused; }
  void send(broker::ConnectionId id, const wire::Packet& packet) {
    const session::test::Bytes bytes = session::test::encoded(packet, ProtocolVersion::v5_0);
    broker_->bytes_received(id, bytes, clock_.time);
  }
  void subscribe(broker::ConnectionId id, std::string_view filter, unsigned qos) {
    wire::FilterListWriter filters(true);
    wire::SubscriptionOptions options;
    options.qos = static_cast<QoS>(qos);
    filters.add({filter, options});
    send(id, wire::Subscribe{900, {}, filters.list()});
    commit();
  }
  void publish(broker::ConnectionId id, std::string_view topic, unsigned qos, std::string_view payload,
               std::uint16_t packet_id, bool retain = false) {
    send(id, wire::Publish{topic, as_bytes(payload), static_cast<QoS>(qos), false, retain, packet_id, {}});
  }
  void ack(broker::ConnectionId id, PacketType type, std::uint16_t packet_id) {
    send(id, wire::PublishAck{type, packet_id, wire::ReasonCode::success, {}});
  }
  void leave(broker::ConnectionId id) {
    if (!is_open(id)) return;
    transport_.lose(id);
    broker_->connection_lost(id, broker::LostBy::network_error, clock_.time);
  }
  Texts written(broker::ConnectionId id) {
    return session::test::take_packets(transport_.at(id).outbox, ProtocolVersion::v5_0, wire::Sender::server);
  }
  bool is_open(broker::ConnectionId id) { return transport_.is_open(id); }
  std::uint64_t unsafe() { return records_->figures()->unsafe_messages; }
  broker::Broker& broker() { return *broker_; }
  store::Store& store() { return *store_; }

  Result<Recovered> recovered = Recovered{};
  std::vector<std::pair<std::uint64_t, std::uint64_t>> progress;  // as it was told

 private:
  ManualClock& clock_;
  broker::BrokerOptions options_;
  std::unique_ptr<store::Store> store_;
  std::optional<DurableRecords> records_;
  broker::testing::FakeTransport transport_;
  broker::AllowAll all_;
  broker::testing::SilentLog log_;
  std::optional<broker::Broker> broker_;
};

class Durable : public ::testing::Test {
 protected:
  Process& process() {
    if (!process_) process_.emplace(disk_, clock_, options_, skip_damaged_);
    return *process_;
  }
  Process& stop_and_start() {
    process().broker().shut_down(clock_.time);
    write_clean_stop(process().store(), process().broker());
    process().commit();
    return lose_power();
  }
  // Only what was synced is left.
  Process& lose_power() {
    disk_ = disk_->power_cut();
    process_.reset();
    return process();
  }
  void sync() {
    static_cast<void>(process().store().ticket(Durability::fsync, 0));
    process().commit();
  }
  void drop_hello(broker::ConnectionId id) { process().written(id); }

  ManualClock clock_;
  broker::BrokerOptions options_;  // of the processes that start from now on
  bool skip_damaged_ = false;
  std::shared_ptr<store::MemoryDisk> disk_ = std::make_shared<store::MemoryDisk>();
  std::optional<Process> process_;
};

TEST_F(Durable, NoAcknowledgementBeforeTheDiskHasTheMessage) {
  Process& process = this->process();
  const auto reader = process.connect("reader");
  process.subscribe(reader, "t", 1);
  const auto writer = process.connect("writer", 0);
  drop_hello(writer);
  process.publish(writer, "t", 1, "x", 1);
  process.publish(writer, "t", 2, "y", 2);
  EXPECT_THAT(process.written(writer), IsEmpty());
  process.commit();
  EXPECT_THAT(process.written(writer), ElementsAre(HasSubstr("PUBACK 1"), HasSubstr("PUBREC 2")));
}

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

TEST_F(Durable, AnOutgoingQos2MessageKeepsItsIdentifierAndIsNotSentTwice) {
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t", 2);
  const auto writer = process().connect("writer", 0);
  drop_hello(reader);
  for (std::uint16_t i = 1; i <= 3; ++i) process().publish(writer, "t", 2, std::to_string(i), i);
  EXPECT_THAT(process().written(reader), IsEmpty()) << "its identifier is not stored yet";
  process().commit();
  EXPECT_THAT(process().written(reader), ElementsAre(HasSubstr("PUBLISH 1 qos2 t=1"), HasSubstr("PUBLISH 2 qos2 t=2"),
                                                     HasSubstr("PUBLISH 3 qos2 t=3")));
  process().ack(reader, PacketType::pubrec, 1);
  process().ack(reader, PacketType::pubrec, 2);
  process().commit();
  process().ack(reader, PacketType::pubcomp, 2);
  process().commit();

  lose_power();
  const auto again = process().connect("reader");
  EXPECT_THAT(process().written(again),
              ElementsAre(HasSubstr("CONNACK 00 present"), HasSubstr("PUBREL 1"), HasSubstr("PUBLISH 3 qos2 dup t=3")))
      << "1 was received, 2 is over, 3 was only sent";
}

TEST_F(Durable, AnIncomingQos2MessageIsTakenOnce) {
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t", 2);
  process().leave(reader);
  const auto writer = process().connect("writer");
  process().publish(writer, "t", 2, "x", 9);
  process().commit();

  lose_power();
  const auto again = process().connect("writer");
  drop_hello(again);
  process().publish(again, "t", 2, "x", 9);  // its PUBREC was lost
  process().commit();
  EXPECT_THAT(process().written(again), ElementsAre(HasSubstr("PUBREC 9")));
  process().ack(again, PacketType::pubrel, 9);
  process().commit();
  EXPECT_THAT(process().written(again), ElementsAre(HasSubstr("PUBCOMP 9")));
  EXPECT_EQ(lose_power().recovered->deliveries, 1u);
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

TEST_F(Durable, RetainedMessagesOnTheirWayToASubscriptionGoOnAfterTheCrash) {
  options_.endpoint.max_in_flight = 2;
  const auto writer = process().connect("writer", 0);
  for (std::uint16_t i = 1; i <= 5; ++i) process().publish(writer, "t/" + std::to_string(i), 2, "kept", i, true);
  process().commit();
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t/#", 2);
  EXPECT_THAT(process().written(reader),
              ElementsAre(HasSubstr("CONNACK"), HasSubstr("SUBACK"), HasSubstr("PUBLISH 1 qos2 retain t/1"),
                          HasSubstr("PUBLISH 2 qos2 retain t/2")));
  process().ack(reader, PacketType::pubrec, 1);
  process().commit();
  lose_power();
  const auto again = process().connect("reader");
  process().commit();
  EXPECT_THAT(process().written(again), ElementsAre(HasSubstr("CONNACK 00 present"), HasSubstr("PUBREL 1"),
                                                    HasSubstr("PUBLISH 2 qos2 dup retain t/2")));
  process().ack(again, PacketType::pubcomp, 1);
  process().ack(again, PacketType::pubrec, 2);
  process().commit();
  EXPECT_THAT(process().written(again), ElementsAre(HasSubstr("PUBLISH 3 qos2 retain t/3"), HasSubstr("PUBREL 2")));
  process().ack(again, PacketType::pubcomp, 2);
  process().commit();
  EXPECT_THAT(process().written(again), ElementsAre(HasSubstr("PUBLISH 4 qos2 retain t/4")));
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

TEST_F(Durable, RetainedMessagesAndWillsComeBack) {
  const auto watcher = process().connect("watcher");
  process().subscribe(watcher, "#", 1);
  process().leave(watcher);
  const auto writer = process().connect("writer", 1000, "will");
  process().publish(writer, "keep", 1, "kept", 1, true);
  process().publish(writer, "erased", 1, "x", 2, true);
  process().publish(writer, "erased", 1, "", 3, true);
  process().commit();

  EXPECT_EQ(lose_power().recovered->retained, 1u);
  process().broker().run_timers(clock_.time);
  const auto again = process().connect("watcher");
  EXPECT_THAT(process().written(again), ::testing::Contains(HasSubstr("will=gone")));
  const auto fresh = process().connect("fresh", 0);
  process().subscribe(fresh, "keep", 0);
  EXPECT_THAT(process().written(fresh), ::testing::Contains(HasSubstr("keep=kept")));
}

TEST_F(Durable, ASessionEndsByTheTimeThatPassedWhileNobodyRan) {
  const auto brief = process().connect("brief", 10);
  process().leave(brief);
  process().connect("long", 1000);
  clock_.time.mono_ms += 1'000;
  process().broker().run_timers(clock_.time);
  process().commit();
  clock_.time.wall_ms += 60'000;
  EXPECT_EQ(lose_power().recovered->sessions, 2u);
  process().broker().run_timers(clock_.time);
  EXPECT_EQ(process().broker().sessions(), 1u);
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

TEST_F(Durable, ALostRecordStopsTheStartUntilItIsToBeSkipped) {
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t", 1);
  process().leave(reader);
  const auto writer = process().connect("writer", 0);
  for (std::uint16_t i = 1; i <= 3; ++i) process().publish(writer, "t", 1, "x", i);
  process().commit();
  disk_ = disk_->power_cut();
  disk_->lose_record(2);
  process_.reset();
  ASSERT_FALSE(process().recovered.has_value());
  EXPECT_THAT(process().recovered.error().message, HasSubstr("store.skip_damaged"));
}

TEST_F(Durable, EachTopicIsAsSafeAsItsRuleSays) {
  options_.durability.rules = {{"m/#", Durability::memory}, {"i/#", Durability::interval}};
  const auto reader = process().connect("reader");
  process().subscribe(reader, "#", 1);
  process().leave(reader);
  const auto writer = process().connect("writer", 0);
  drop_hello(writer);
  EXPECT_EQ(process().unsafe(), 0u);
  process().publish(writer, "m/a", 1, "in memory", 1);
  EXPECT_THAT(process().written(writer), ElementsAre(HasSubstr("PUBACK 1"))) << "it waits for nothing";
  process().publish(writer, "i/a", 1, "written", 2);
  EXPECT_THAT(process().written(writer), IsEmpty());
  EXPECT_EQ(process().unsafe(), 1u);
  process().commit();
  EXPECT_THAT(process().written(writer), ElementsAre(HasSubstr("PUBACK 2")));
  EXPECT_EQ(process().unsafe(), 2u);
  EXPECT_EQ(store::open_memory(disk_->killed())->end(), 3u) << "both outlive a kill";
  EXPECT_EQ(store::open_memory(disk_->power_cut())->end(), 1u) << "neither is synced";

  process().publish(writer, "f", 1, "synced", 3);
  process().commit();
  EXPECT_THAT(process().written(writer), ElementsAre(HasSubstr("PUBACK 3")));
  EXPECT_EQ(process().unsafe(), 0u) << "the sync took them along";
  process().publish(writer, "i/a", 1, "lost", 4);
  process().commit();
  EXPECT_THAT(process().written(writer), ElementsAre(HasSubstr("PUBACK 4")));

  EXPECT_EQ(lose_power().recovered->deliveries, 3u);
  const auto again = process().connect("reader");
  EXPECT_THAT(process().written(again), ElementsAre(HasSubstr("CONNACK 00 present"), HasSubstr("m/a=in memory"),
                                                    HasSubstr("i/a=written"), HasSubstr("f=synced")));
}

TEST_F(Durable, WithMemoryNothingWaits) {
  options_.durability.level = Durability::memory;
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t", 2);
  process().leave(reader);
  const auto writer = process().connect("writer");
  drop_hello(writer);
  process().publish(writer, "t", 2, "x", 9);
  process().ack(writer, PacketType::pubrel, 9);
  EXPECT_THAT(process().written(writer), ElementsAre(HasSubstr("PUBREC 9"), HasSubstr("PUBCOMP 9")));
  EXPECT_EQ(process().unsafe(), 1u);
  process().commit();
  process().store().step(true);
  EXPECT_EQ(process().unsafe(), 0u);
  EXPECT_EQ(lose_power().recovered->deliveries, 1u);
}

// The identifier of a message that may be lost can be the next one's that may not.
TEST_F(Durable, AnIdentifierIsReleasedForGoodWhateverItsTopic) {
  options_.durability.level = Durability::memory;
  options_.durability.rules = {{"safe", Durability::fsync}};
  const auto reader = process().connect("reader");
  process().subscribe(reader, "#", 2);
  process().leave(reader);
  const auto writer = process().connect("writer");
  process().publish(writer, "loose", 2, "x", 9);
  process().commit();
  drop_hello(writer);
  process().ack(writer, PacketType::pubrel, 9);
  EXPECT_THAT(process().written(writer), IsEmpty()) << "the release is not durable";
  process().commit();
  EXPECT_THAT(process().written(writer), ElementsAre(HasSubstr("PUBCOMP 9")));

  lose_power();
  const auto again = process().connect("writer");
  process().publish(again, "safe", 2, "y", 9);
  process().commit();
  EXPECT_EQ(lose_power().recovered->deliveries, 2u) << "it is no duplicate";
}

TEST_F(Durable, WhatIsOnItsWayToTheDiskIsBoundedAtEachLevel) {
  const auto store = store::Store::stepped(store::open_memory(disk_), {});
  DurableRecords records(*store, clock_, Durability::memory);
  EXPECT_TRUE(records.append(broker::SessionEnded{1}).resolved(0));
  store->append(as_bytes(std::string(65u << 20, 'x')));
  records.submit();
  const Ticket ticket = records.append(broker::SessionEnded{1});
  EXPECT_FALSE(ticket.resolved(records.durable_position()));
  records.submit();
  while (store->step()) {
  }
  EXPECT_TRUE(ticket.resolved(records.durable_position()));
  EXPECT_EQ(records.figures()->syncs, 0u);
}

TEST_F(Durable, ALongStartTellsHowFarItIs) {
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t", 1);
  process().leave(reader);
  const auto writer = process().connect("writer", 0);
  for (int i = 0; i < 100'001; ++i) {
    process().publish(writer, "t", 1, "x", static_cast<std::uint16_t>(i % 500 + 1));
    if (i % 500 == 499) process().commit();
  }
  process().commit();
  EXPECT_THAT(process().progress, IsEmpty());
  EXPECT_THAT(lose_power().progress, ElementsAre(std::pair(100'000u, 100'001u)));
}

TEST_F(Durable, ANewerLayoutStopsTheStartAndIsNamedWithItsPlace) {
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t", 1);
  const std::uint8_t newer[] = {9, 1, 2, 3};
  process().store().append(newer);
  sync();
  ASSERT_FALSE(lose_power().recovered.has_value());
  EXPECT_THAT(
      process().recovered.error().message,
      HasSubstr("log record 1 has layout 9, this program knows up to 1. To start without it: --set store.skip"));

  ByteWriter key;
  subscription_key(1, "t", key);
  process().store().put(store::Table::subscriptions, key.view(), newer);
  sync();
  ASSERT_FALSE(lose_power().recovered.has_value());
  EXPECT_THAT(process().recovered.error().message,
              HasSubstr("subscriptions, session 1, filter \"t\" has layout 9, this program knows up to 2"));
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

TEST_F(Durable, AMessageTooLargeForItsReceiverLeavesNoExchangeBehind) {
  wire::PropertyWriter properties;
  properties.add_number(wire::PropertyId::session_expiry_interval, 1000);
  properties.add_number(wire::PropertyId::maximum_packet_size, 100);
  wire::Connect packet;
  packet.client_id = "reader";
  packet.properties = properties.properties();
  const auto reader = process().open(packet);
  process().commit();
  process().subscribe(reader, "t", 2);
  const auto writer = process().connect("writer", 0);
  process().publish(writer, "t", 2, std::string(200, 'x'), 1);
  process().publish(writer, "t", 1, "small", 2);  // takes the position that the large one did not
  process().commit();
  EXPECT_THAT(process().written(reader), ::testing::Contains(HasSubstr("PUBLISH 2 qos1 t=small")));
  std::size_t exchanges = 0;
  ASSERT_TRUE(process().store().reader().scan(store::Table::exchanges, {}, [&](ByteView, ByteView) {
    ++exchanges;
    return true;
  }));
  EXPECT_EQ(exchanges, 0u);
}

TEST_F(Durable, Qos0MessagesThatAreRetainedDoNotPileUpBeforeASlowDisk) {
  const auto writer = process().connect("writer", 0);
  process().written(writer);
  const std::string payload(1u << 19, 'x');
  for (int i = 0; i < 400 && !process().reading_paused(writer); ++i) {
    process().publish(writer, "t", 0, payload, 0, true);
    process().submit();
  }
  EXPECT_LT(process().store().pending_bytes(), 80u << 20);
  process().commit();
  EXPECT_FALSE(process().reading_paused(writer));
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
  process().store().append(as_bytes(std::string(65u << 20, 'x')));
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
  write_clean_stop(process().store(), process().broker());
  process().commit();
  std::string last;
  ASSERT_TRUE(process().store().reader().scan(store::Table::meta, as_bytes(std::string_view("owed:")),
                                              [&](ByteView key, ByteView) {
                                                last = as_text(key);
                                                return true;
                                              }));
  process().store().put(store::Table::meta, as_bytes(last), as_bytes(std::string_view("\xFF")));
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

TEST_F(Durable, AWillIsStoredBeforeItsClientIsConnected) {
  const auto reader = process().connect("reader");
  process().subscribe(reader, "w", 1);
  process().leave(reader);
  wire::Connect packet;
  packet.client_id = "device";
  packet.will = wire::Will{"w", as_bytes("gone"), QoS::at_least_once, false, {}};
  const auto device = process().open(packet);
  EXPECT_THAT(process().written(device), IsEmpty());
  process().commit();
  EXPECT_THAT(process().written(device), ElementsAre(HasSubstr("CONNACK 00")));
  lose_power();
  const auto again = process().connect("reader");
  EXPECT_THAT(process().written(again), ElementsAre(HasSubstr("CONNACK 00 present"), HasSubstr("w=gone")));
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

TEST_F(Durable, WillsDoNotPileUpBeforeASlowDisk) {
  const std::string payload(60'000, 'x');
  wire::Connect packet;
  packet.client_id = "device";
  packet.will = wire::Will{"w", as_bytes(payload), QoS::at_least_once, false, {}};
  broker::ConnectionId last;
  for (int i = 0; i < 1500; ++i) {
    if (i > 0) process().leave(last);
    last = process().open(packet);
    process().submit();
  }
  EXPECT_LT(process().store().pending_bytes(), 70u << 20);
  EXPECT_THAT(process().written(last), ElementsAre(HasSubstr("CONNACK 89")));
}

}  // namespace
}  // namespace martlet::server
