// Several cores on one store, and their number changing between starts.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "server/durable/log_reading.h"
#include "server/testing/durable_fixture.h"

namespace martlet::server {
namespace {

using store::kChunk;
using testing::Core;
using testing::Cores;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::PacketType;
using testing::QoS;
using testing::Texts;

class DurableCores : public ::testing::Test {
 protected:
  static constexpr int kClients = 12;

  void start(std::uint32_t cores) {
    process_.emplace(disk_, cores, clock_, options_);
    ASSERT_TRUE(process_->recovered) << process_->recovered.error().message;
  }
  void lose_power_and_start(std::uint32_t cores) {
    disk_ = disk_->power_cut();
    process_.reset();
    start(cores);
  }
  void stop_and_start(std::uint32_t cores) {
    for (std::size_t i = 0; i < process_->size(); ++i) process_->core(i).broker().shut_down(clock_.time);
    process_->write_clean_stop();
    process_->core(0).submit();
    ASSERT_TRUE(process_->store().close());
    process_.reset();
    start(cores);
  }
  Core& home(std::string_view client_id) { return process_->home(client_id); }
  // A client whose session lives on `core`.
  std::string client_of(std::size_t core) {
    for (int client = 0;; ++client) {
      if (&home(name(client)) == &process_->core(core)) return name(client);
    }
  }
  static std::string name(int client) { return fmt::format("client-{}", client); }

  // Each core gives keys of its own.
  void set_keys_apart() {
    for (std::size_t i = 0; i < process_->size(); ++i) process_->core(i).broker().restore_last_key(1000 * (i + 1));
  }
  // A session at its home that waits for `topic`.
  void subscribe(const std::string& client_id, std::string_view topic, unsigned qos) {
    Core& core = home(client_id);
    const auto id = core.connect(client_id);
    core.subscribe(id, topic, qos);
    core.leave(id);
  }
  // Publishes `text` on each core, as if the message had been forwarded to it.
  void publish(std::string_view topic, std::string_view text) {
    for (std::size_t i = 0; i < process_->size(); ++i) {
      Core& core = process_->core(i);
      const auto id = core.connect(fmt::format("publisher-{}", i), 0);
      core.publish(id, topic, 2, text, 1);
      core.leave(id);
    }
    process_->commit();
  }
  // What the client gets when it comes back.
  Texts received(const std::string& client_id) {
    Core& core = home(client_id);
    const auto id = core.connect(client_id);
    process_->commit();
    Texts texts = core.written(id);
    core.leave(id);
    process_->commit();
    return texts;
  }
  std::size_t sessions() {
    std::size_t count = 0;
    for (std::size_t i = 0; i < process_->size(); ++i) count += process_->core(i).broker().sessions();
    return count;
  }
  void expect_all_back() {
    EXPECT_EQ(process_->recovered->sessions, std::uint64_t{kClients});
    EXPECT_EQ(sessions(), std::size_t{kClients});
    EXPECT_EQ(process_->recovered->deliveries, std::uint64_t{2 * kClients});
    for (int client = 0; client < kClients; ++client) {
      EXPECT_THAT(received(name(client)),
                  ElementsAre(HasSubstr("CONNACK 00 present"), HasSubstr("t=first"), HasSubstr("t=second")));
    }
  }

  testing::ManualClock clock_;
  broker::BrokerOptions options_;
  std::shared_ptr<store::MemoryDisk> disk_ = std::make_shared<store::MemoryDisk>();
  std::optional<Cores> process_;
};

TEST_F(DurableCores, SessionsComeBackAtHomeWhateverTheNumberOfCores) {
  start(3);
  set_keys_apart();
  for (int client = 0; client < kClients; ++client) subscribe(name(client), "t", client % 2 == 0 ? 1 : 2);
  publish("t", "first");
  publish("t", "second");
  for (std::size_t i = 0; i < 3; ++i) ASSERT_GT(process_->core(i).broker().sessions(), 0u) << "each has some";
  lose_power_and_start(2);
  EXPECT_GT(process_->recovered->log_records, 0u);
  expect_all_back();
}

TEST_F(DurableCores, NotesOfACleanStopAreOfAllCores) {
  start(3);
  set_keys_apart();
  for (int client = 0; client < kClients; ++client) subscribe(name(client), "t", 1);
  publish("t", "first");
  publish("t", "second");
  stop_and_start(4);
  EXPECT_EQ(process_->recovered->log_records, 0u) << "the log need not be read";
  expect_all_back();
}

// Its notes end with the first change, whichever core makes it.
TEST_F(DurableCores, NotesOfACleanStopAreGoneBeforeAnyCoreWrites) {
  start(2);
  set_keys_apart();
  for (int client = 0; client < kClients; ++client) subscribe(name(client), "t", 1);
  publish("t", "first");
  publish("t", "second");
  stop_and_start(2);
  const auto in_notes = [&] {
    int count = 0;
    EXPECT_TRUE(process_->store().reader().scan(store::Table::meta, as_bytes(std::string_view("owed:")),
                                                [&](ByteView, ByteView) { return ++count > 0; }));
    return count;
  };
  EXPECT_EQ(in_notes(), kClients);
  process_->core(1).connect("somebody");
  EXPECT_EQ(in_notes(), 0);
}

// A session that began when its core had taken positions and used none.
TEST_F(DurableCores, WhatIsOwedAfterARestartIsAboveAllCursors) {
  start(4);
  set_keys_apart();
  for (int client = 0; client < kClients; ++client) subscribe(name(client), "t", 1);
  process_->commit();
  EXPECT_EQ(process_->store().reader().end(), 1u) << "nothing is in the log";
  lose_power_and_start(1);
  publish("t", "first");
  publish("t", "second");
  lose_power_and_start(1);
  expect_all_back();
}

TEST_F(DurableCores, NewSessionsHaveKeysAboveThoseOfAllCores) {
  start(2);
  process_->core(1).broker().restore_last_key(500);
  const std::string first = client_of(0);
  subscribe(first, "t", 1);
  subscribe(client_of(1), "t", 1);
  lose_power_and_start(2);
  for (int client = 0; client < kClients; ++client) {
    if (name(client) != first && &home(name(client)) == &process_->core(0)) subscribe(name(client), "t", 1);
  }
  process_->commit();
  std::vector<std::uint64_t> keys;
  EXPECT_TRUE(process_->store().reader().scan(store::Table::sessions, {}, [&](ByteView key, ByteView) {
    keys.push_back(ByteReader(key).number64());
    return true;
  }));
  ASSERT_GT(keys.size(), 3u);
  keys.resize(4);
  EXPECT_THAT(keys, ElementsAre(1, 501, 502, 503));
}

TEST_F(DurableCores, AWillFollowsItsSession) {
  start(1);
  for (int client = 0; client < kClients; ++client) process_->core(0).connect(name(client), 1000, "wills");
  subscribe("watcher", "wills", 1);
  process_->commit();
  lose_power_and_start(2);
  process_->commit();
  // Each core publishes the wills of its sessions to its own subscribers.
  const auto at_home = [&](int client) { return &home(name(client)) == &home("watcher"); };
  std::vector<int> clients(kClients);
  std::iota(clients.begin(), clients.end(), 0);
  const auto expected = std::ranges::count_if(clients, at_home);
  ASSERT_GT(expected, 0);
  ASSERT_LT(expected, kClients);
  EXPECT_EQ(received("watcher").size(), static_cast<std::size_t>(1 + expected));
}

TEST_F(DurableCores, RetainedMessagesAreInTheFirstsStore) {
  start(2);
  const auto id = process_->core(1).connect("p", 0);
  process_->core(1).publish(id, "r", 1, "kept", 1, true);
  process_->commit();
  EXPECT_THAT(process_->core(1).written(id), ::testing::Contains(HasSubstr("PUBACK 1")));
  lose_power_and_start(2);
  EXPECT_EQ(process_->recovered->retained, 1u);
  EXPECT_EQ(process_->core(0).broker().retained().index().size(), 1u);
}

// ---- the log of several

TEST_F(DurableCores, EachReadsItsOwnAndSkipsTheOthersRecords) {
  options_.log.recent_bytes = 0;
  start(2);
  set_keys_apart();
  const std::string first = client_of(0);
  const std::string second = client_of(1);
  subscribe(first, "t", 1);
  subscribe(second, "t", 1);
  for (const char* text : {"a", "b", "c"}) {
    publish("t", text);
    for (std::size_t i = 0; i < 2; ++i) process_->core(i).records().renew();
  }
  EXPECT_GT(process_->store().reader().end(), 3 * kChunk);
  for (const std::string& client : {first, second}) {
    EXPECT_THAT(received(client),
                ElementsAre(HasSubstr("CONNACK 00 present"), HasSubstr("t=a"), HasSubstr("t=b"), HasSubstr("t=c")));
  }
  lose_power_and_start(2);
  EXPECT_THAT(received(first).size(), 4u);
}

TEST_F(DurableCores, ALimitOfTheLogCutsNothingThatACoreHasYetToWrite) {
  start(2);
  DurableRecords& idle = process_->core(0).records();
  set_keys_apart();
  subscribe(client_of(1), "t", 1);
  for (int i = 0; i < 20; ++i) publish("t", std::string(1000, 'x'));
  EXPECT_GT(process_->store().reader().end(), kChunk);
  const std::uint64_t begin = idle.begin_within(5'000, 0);
  EXPECT_EQ(begin, idle.next_position()) << "the log is to begin later, but this core appends here";
  idle.append(broker::Trimmed{begin});
  idle.renew();
  EXPECT_GT(idle.next_position(), process_->store().reader().end());
  const std::uint64_t later = idle.begin_within(5'000, 0);
  EXPECT_GT(later, kChunk);
  EXPECT_LT(later, process_->store().reader().end());
  EXPECT_EQ(process_->core(1).records().begin_within(5'000, 0), later);
}

TEST_F(DurableCores, AgeIsFoundAcrossHoles) {
  start(2);
  set_keys_apart();
  for (int client = 0; client < kClients; ++client) subscribe(name(client), "t", 1);
  publish("t", "old");
  clock_.time.mono_ms += 100'000;
  clock_.time.wall_ms += 100'000;
  for (std::size_t i = 0; i < 2; ++i) process_->core(i).records().renew();
  const std::uint64_t next = process_->core(0).records().next_position();
  EXPECT_GT(next, kChunk);
  publish("t", "young");
  for (std::size_t i = 0; i < 2; ++i) {
    const std::uint64_t begin = process_->core(i).records().begin_within(0, clock_.time.wall_ms - 50'000);
    EXPECT_GT(begin, kChunk + 1) << "behind what is old";
    EXPECT_LE(begin, next);
  }
}

}  // namespace
}  // namespace martlet::server
