// Sockets that change their reactor, and several reactors at one port.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/testing/loopback.h"

namespace martlet::net {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Beside the fixture's reactor, the first one, a second with its own network, as on another core.
class Handover : public testing::Loopback {
 protected:
  Handover() { build_second({}); }

  void build_second(const ReactorOptions& options) {
    second.reset();
    second = std::make_unique<Reactor>(*second_network, *clock, second_handler, options);
  }
  // Turns both reactors until `done`.
  ::testing::AssertionResult until_both(const std::function<bool()>& done) {
    return until([&] {
      second->turn(clock->now().mono_ms);
      return done();
    });
  }
  // The socket of a new peer's connection, released in received() of its first bytes.
  ReleasedConnection released_on_hello(env::Handle* peer) {
    ReleasedConnection socket;
    handler.on_received = [&](ConnectionId id, ByteView bytes) {
      first_bytes = as_text(bytes);
      socket = reactor->release(id);
      EXPECT_FALSE(reactor->is_open(id));
    };
    join(peer);
    push(*peer, "hello");
    EXPECT_TRUE(until([&] { return bool(socket); }));
    handler.on_received = nullptr;
    return socket;
  }
  std::string pull_all(env::Handle peer, std::size_t size) {
    std::string got;
    EXPECT_TRUE(until_both([&] {
      pull(peer, &got);
      return got.size() >= size;
    }));
    return got;
  }

  std::unique_ptr<env::Network> second_network = env::posix::make_network(GetParam()).value();
  testing::RecordingHandler second_handler;
  std::unique_ptr<Reactor> second;
  std::string first_bytes;
};

TEST_P(Handover, GoesOnWithAnotherReactor) {
  env::Handle peer;
  ReleasedConnection socket = released_on_hello(&peer);
  EXPECT_EQ(first_bytes, "hello");
  EXPECT_EQ(reactor->connection_count(), 0u);
  // What comes while nobody has it waits, and wakes nobody.
  push(peer, "between");
  EXPECT_FALSE(reactor->turn(clock->now().mono_ms));
  const ConnectionId id = second->adopt(std::move(socket)).value();
  EXPECT_TRUE(second->is_open(id));
  ASSERT_TRUE(until_both([&] { return second_handler.received_by(id) == "between"; }));
  push(peer, ", after");
  ASSERT_TRUE(until_both([&] { return second_handler.received_by(id) == "between, after"; }));
  second->outbox(id).append(as_bytes("answer"));
  second->touch(id);
  EXPECT_EQ(pull_all(peer, 6), "answer");
  leave(peer);
  ASSERT_TRUE(until_both([&] { return second_handler.times_closed(id) == 1; }));
  EXPECT_EQ(second_handler.closed_ones[0].reason, CloseReason::peer_closed);
  EXPECT_THAT(handler.closed_ones, IsEmpty());
  EXPECT_THAT(second_handler.accepted_ids, IsEmpty());
  EXPECT_EQ(reactor->stats().released, 1u);
  EXPECT_EQ(second->stats().accepted, 1u);
}

TEST_P(Handover, TellsTheEndThatCameBetween) {
  env::Handle peer;
  ReleasedConnection socket = released_on_hello(&peer);
  push(peer, "last words");
  leave(peer);
  const ConnectionId id = second->adopt(std::move(socket)).value();
  ASSERT_TRUE(until_both([&] { return second_handler.times_closed(id) == 1; }));
  EXPECT_EQ(second_handler.received_by(id), "last words");
  EXPECT_EQ(second_handler.closed_ones[0].reason, CloseReason::peer_closed);
}

TEST_P(Handover, ReleasesAConnectionWhosePeerHasLeft) {
  ReleasedConnection socket;
  handler.on_received = [&](ConnectionId id, ByteView) { socket = reactor->release(id); };
  const env::Handle peer = knock();
  push(peer, "hello");
  leave(peer);
  ASSERT_TRUE(until([&] { return bool(socket); }));
  EXPECT_FALSE(reactor->turn(clock->now().mono_ms));  // the end is no longer the first one's business
  EXPECT_THAT(handler.closed_ones, IsEmpty());
  const ConnectionId id = second->adopt(std::move(socket)).value();
  ASSERT_TRUE(until_both([&] { return second_handler.times_closed(id) == 1; }));
}

TEST_P(Handover, ComesBack) {
  env::Handle peer;
  const ConnectionId away = second->adopt(released_on_hello(&peer)).value();
  const ConnectionId back = reactor->adopt(second->release(away)).value();
  push(peer, "home");
  ASSERT_TRUE(until_both([&] { return handler.received_by(back) == "home"; }));
  EXPECT_EQ(second->connection_count(), 0u);
}

TEST_P(Handover, ReadsOnThoughItWasPaused) {
  env::Handle peer;
  const ConnectionId id = join(&peer);
  reactor->pause_reading(id);
  reactor->turn(clock->now().mono_ms);
  const ConnectionId there = second->adopt(reactor->release(id)).value();
  push(peer, "hello");
  ASSERT_TRUE(until_both([&] { return second_handler.received_by(there) == "hello"; }));
}

TEST_P(Handover, ReleasesNothingForAStaleId) {
  env::Handle peer;
  const ConnectionId id = join(&peer);
  reactor->close(id);
  EXPECT_FALSE(reactor->release(id));
  EXPECT_EQ(reactor->stats().released, 0u);
}

TEST_P(Handover, HoldsToTheConnectionLimit) {
  build_second({.max_connections = 1});
  env::Handle kept, surplus;
  ASSERT_TRUE(second->adopt(released_on_hello(&kept)).has_value());
  EXPECT_FALSE(second->adopt(released_on_hello(&surplus)).has_value());
  EXPECT_EQ(second->stats().refused_too_many, 1u);
  EXPECT_THAT(second_handler.refusals, IsEmpty());  // the caller knows already
  std::string got;
  ASSERT_TRUE(until_both([&] { return pull(surplus, &got).status == env::IoStatus::closed; }));
  EXPECT_EQ(second->connection_count(), 1u);
}

TEST_P(Handover, CrossesThreads) {
  constexpr int kPeers = 200;
  std::vector<env::Handle> crowd;
  std::vector<ReleasedConnection> sockets;
  handler.on_received = [&](ConnectionId id, ByteView) { sockets.push_back(reactor->release(id)); };
  for (int i = 0; i < kPeers; ++i) {
    crowd.push_back(knock());
    push(crowd.back(), "hello");
  }
  ASSERT_TRUE(until([&] { return sockets.size() == kPeers; }));
  for (const env::Handle peer : crowd) push(peer, "x");
  std::size_t heard = 0;
  second_handler.on_received = [&](ConnectionId, ByteView bytes) { heard += bytes.size(); };
  std::thread other([&] {
    for (ReleasedConnection& socket : sockets) EXPECT_TRUE(second->adopt(std::move(socket)).has_value());
    while (heard < kPeers) second->turn(kNever);
  });
  other.join();
  EXPECT_EQ(heard, std::size_t{kPeers});
}

TEST_P(Handover, SharesAPort) {
  const auto ours = reactor->listen({"127.0.0.1", 0}, {.reuse_port = true}).value();
  at = reactor->local_endpoint(ours).value();
  ASSERT_TRUE(second->listen(at, {.reuse_port = true}).has_value());
  // The kernel deals them out by a hash of the addresses: one side gets none of 64 once in 2^63.
  for (int i = 0; i < 64; ++i) knock();
  ASSERT_TRUE(until_both([&] { return handler.accepted_ids.size() + second_handler.accepted_ids.size() == 64; }));
  EXPECT_FALSE(handler.accepted_ids.empty());
  EXPECT_FALSE(second_handler.accepted_ids.empty());
}

// Says that it sleeps as an owner with a queue from other threads would.
class Sleeper final : public ReactorHandler {
 public:
  void accepted(ConnectionId, ListenerId, std::string_view) override {}
  void connected(ConnectionId) override {}
  void received(ConnectionId, ByteView) override {}
  void drained(ConnectionId) override {}
  void closed(ConnectionId, CloseReason, int) override {}
  void refused(ListenerId, RefuseReason) override {}
  void external_ready(std::uint32_t) override {}
  bool before_wait() override {
    sleeping = true;
    return queued == taken;
  }
  void after_wait() override { sleeping = false; }

  std::atomic<bool> sleeping = false;
  std::atomic<int> queued = 0;
  int taken = 0;
};

class Wakeup : public ::testing::TestWithParam<env::posix::Polling> {};

TEST_P(Wakeup, LosesNoWorkThatComesBeforeTheWait) {
  const auto clock = env::posix::make_clock();
  const auto network = env::posix::make_network(GetParam()).value();
  Sleeper sleeper;
  Reactor reactor(*network, *clock, sleeper);
  constexpr int kPieces = 20'000;
  std::thread giver([&] {
    for (int i = 0; i < kPieces; ++i) {
      ++sleeper.queued;
      if (sleeper.sleeping.exchange(false)) reactor.wake();
    }
  });
  // Hangs, for the test's runner to end, if a piece is left to a sleeper.
  while (sleeper.taken < kPieces) {
    reactor.turn(kNever);
    sleeper.taken = sleeper.queued;
  }
  giver.join();
  EXPECT_EQ(sleeper.taken, kPieces);
}

INSTANTIATE_TEST_SUITE_P(With, Handover, ::testing::ValuesIn(env::testing::pollings()), env::testing::polling_name);

INSTANTIATE_TEST_SUITE_P(With, Wakeup, ::testing::ValuesIn(env::testing::pollings()), env::testing::polling_name);

}  // namespace
}  // namespace martlet::net
