// The reactor on a scripted network: system calls counted, time under control.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>

#include "net/reactor.h"
#include "net/testing/fake_network.h"
#include "net/testing/recording_handler.h"

namespace martlet::net {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FakeReactor : public ::testing::Test {
 protected:
  FakeReactor() { build({}); }

  void build(const ReactorOptions& options) {
    reactor.reset();
    reactor = std::make_unique<Reactor>(network, clock, handler, options);
    listener = reactor->listen({"192.0.2.1", 1883}).value();
  }
  // An accepted connection; `socket` is its far end.
  ConnectionId admit(env::Handle* socket) {
    network.waiting = 1;
    turn();
    *socket = network.newest();
    return handler.accepted_ids.back();
  }
  void turn(std::int64_t wait_ms = 0) { reactor->turn(clock.now().mono_ms + wait_ms); }
  void send(ConnectionId id, std::string_view text) {
    reactor->outbox(id).append(as_bytes(text));
    reactor->touch(id);
  }

  testing::FakeClock clock;
  testing::FakeNetwork network{clock};
  testing::RecordingHandler handler;
  std::unique_ptr<Reactor> reactor;
  ListenerId listener;
};

TEST_F(FakeReactor, WritesEachSocketOnceATurn) {
  env::Handle a, b;
  const ConnectionId first = admit(&a);
  const ConnectionId second = admit(&b);
  for (int i = 0; i < 20; ++i) {
    send(first, "0123456789");
    send(second, "x");
  }
  EXPECT_EQ(network.socket(a).writes, 0u);
  turn();
  EXPECT_EQ(network.socket(a).writes, 1u);
  EXPECT_EQ(network.socket(a).written.size(), 200u);
  EXPECT_EQ(network.socket(b).writes, 1u);
  turn();
  EXPECT_EQ(network.socket(a).writes, 1u);
  EXPECT_EQ(network.changes, 0u);  // the poller had to be told nothing
  EXPECT_EQ(reactor->stats().writes, 2u);
  EXPECT_EQ(reactor->stats().bytes_out, 220u);
}

TEST_F(FakeReactor, WritesOnWhileTheKernelTakesAll) {
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  const BlockRef block = BlockRef::adopt(allocate_block(1000));
  std::fill_n(block.get()->data(), 1000, std::uint8_t{'s'});
  for (int i = 0; i < 150; ++i) reactor->outbox(id).append_shared(block, {block.get()->data(), 1000});
  reactor->touch(id);
  turn();
  EXPECT_EQ(network.socket(socket).writes, 3u);  // 64 + 64 + 22 pieces
  EXPECT_EQ(network.socket(socket).written, std::string(150'000, 's'));
}

TEST_F(FakeReactor, AsksForWritabilityOnlyAfterARefusal) {
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  network.socket(socket).write_room = 4;
  send(id, "0123456789");
  turn();
  EXPECT_EQ(network.socket(socket).writes, 1u);
  EXPECT_TRUE(network.socket(socket).interest.write);
  send(id, "ab");
  turn();
  EXPECT_EQ(network.socket(socket).writes, 1u);  // still refused: not tried again
  network.socket(socket).write_room = 100;
  turn();
  EXPECT_EQ(network.socket(socket).written, "0123456789ab");
  EXPECT_FALSE(network.socket(socket).interest.write);
}

TEST_F(FakeReactor, TellsHighAndLowWater) {
  build({.outbox_high_bytes = 100, .outbox_low_bytes = 10});
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  network.socket(socket).write_room = 0;
  send(id, std::string(100, 'a'));
  EXPECT_FALSE(reactor->above_high_water(id));
  send(id, "b");
  EXPECT_TRUE(reactor->above_high_water(id));
  turn();
  EXPECT_TRUE(reactor->above_high_water(id));
  network.socket(socket).write_room = 90;
  turn();
  EXPECT_FALSE(reactor->above_high_water(id));
  EXPECT_THAT(handler.drained_ids, IsEmpty());  // 11 bytes are left
  network.socket(socket).write_room = 1;
  turn();
  EXPECT_THAT(handler.drained_ids, ElementsAre(id));
  network.socket(socket).write_room = 1000;
  turn();
  EXPECT_THAT(handler.drained_ids, SizeIs(1));
}

TEST_F(FakeReactor, TellsDrainedWhenOneFlushTakesAll) {
  build({.outbox_high_bytes = 100, .outbox_low_bytes = 10});
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  send(id, std::string(500, 'a'));
  EXPECT_TRUE(reactor->above_high_water(id));
  turn();
  EXPECT_THAT(handler.drained_ids, ElementsAre(id));
}

TEST_F(FakeReactor, LeavesARefillInDrainedToTheNextTurn) {
  build({.outbox_high_bytes = 100, .outbox_low_bytes = 10});
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  handler.on_drained = [&](ConnectionId drained) { send(drained, std::string(200, 'b')); };
  send(id, std::string(200, 'a'));
  turn();
  EXPECT_EQ(network.socket(socket).writes, 1u);
  reactor->turn(kNever);
  EXPECT_EQ(network.last_timeout_ms, 0);  // work is waiting
  EXPECT_EQ(network.socket(socket).writes, 2u);
}

TEST_F(FakeReactor, ReadsEachConnectionOnceATurn) {
  build({.read_buffer_bytes = 10});
  env::Handle a, b;
  const ConnectionId first = admit(&a);
  const ConnectionId second = admit(&b);
  network.socket(a).incoming = std::string(25, 'a');
  network.socket(b).incoming = "b";
  turn();
  EXPECT_EQ(handler.received_by(first).size(), 10u);
  EXPECT_EQ(handler.received_by(second), "b");
  turn();
  turn();
  EXPECT_EQ(handler.received_by(first).size(), 25u);
  EXPECT_EQ(reactor->stats().bytes_in, 26u);
}

TEST_F(FakeReactor, DoesNotSpinWithoutDescriptors) {
  network.descriptors = 0;
  network.waiting = 1'000'000;
  const std::int64_t start = clock.now().mono_ms;
  std::size_t turns = 0;
  while (clock.now().mono_ms < start + 1'000) {
    reactor->turn(start + 1'000);
    ASSERT_LT(++turns, 30u) << "the loop spins";
  }
  EXPECT_LE(network.accepts, 11u);  // once in 100 ms
  EXPECT_EQ(network.sheds, handler.refusals.size());
  EXPECT_GE(network.sheds, 64u * 9);
  EXPECT_THAT(handler.refusals, Each(RefuseReason::out_of_descriptors));
  EXPECT_EQ(reactor->stats().refused_out_of_descriptors, network.sheds);
}

TEST_F(FakeReactor, RestsTooWhenTheReserveIsGone) {
  network.descriptors = 0;
  network.has_reserve = false;
  network.waiting = 5;
  turn();
  EXPECT_THAT(handler.refusals, ElementsAre(RefuseReason::out_of_descriptors));
  turn();
  EXPECT_EQ(network.accepts, 1u);
  network.descriptors = 100;
  turn(100);  // ends the rest
  turn();
  EXPECT_THAT(handler.accepted_ids, SizeIs(5));
}

TEST_F(FakeReactor, LimitsAcceptsPerTurn) {
  build({.accepts_per_turn = 3});
  network.waiting = 7;
  turn();
  EXPECT_THAT(handler.accepted_ids, SizeIs(3));
  turn();
  turn();
  EXPECT_THAT(handler.accepted_ids, SizeIs(7));
}

TEST_F(FakeReactor, ClosesWhatExceedsTheConnectionLimit) {
  build({.max_connections = 2});
  network.waiting = 5;
  turn();
  EXPECT_THAT(handler.accepted_ids, SizeIs(2));
  EXPECT_THAT(handler.refusals, ElementsAre(RefuseReason::too_many_connections, RefuseReason::too_many_connections,
                                            RefuseReason::too_many_connections));
  EXPECT_EQ(reactor->stats().refused_too_many, 3u);
  EXPECT_EQ(network.open_sockets(), 3u);  // the listener and two
  reactor->close(handler.accepted_ids[0]);
  network.waiting = 1;
  turn();
  EXPECT_THAT(handler.accepted_ids, SizeIs(3));
}

TEST_F(FakeReactor, IgnoresStaleIds) {
  env::Handle socket;
  const ConnectionId old = admit(&socket);
  reactor->close(old);
  EXPECT_FALSE(network.is_open(socket));
  const ConnectionId fresh = admit(&socket);
  ASSERT_EQ(fresh.slot, old.slot);
  send(old, "lost");
  EXPECT_FALSE(reactor->is_open(old));
  EXPECT_FALSE(reactor->above_high_water(old));
  reactor->pause_reading(old);
  reactor->resume_reading(old);
  reactor->close_after_flush(old, 0);
  reactor->close(old);
  turn();
  EXPECT_TRUE(reactor->is_open(fresh));
  EXPECT_EQ(network.socket(socket).writes, 0u);
  EXPECT_THAT(handler.closed_ones, IsEmpty());
  EXPECT_TRUE(reactor->outbox(old).empty());
}

TEST_F(FakeReactor, MayBeClosedFromInsideCallbacks) {
  env::Handle a, b, c;
  const ConnectionId first = admit(&a);
  const ConnectionId second = admit(&b);
  const ConnectionId third = admit(&c);
  for (const env::Handle handle : {a, b, c}) network.socket(handle).incoming = "hello";
  // Whoever is read first closes itself and all others, whose events are already in hand.
  handler.on_received = [&](ConnectionId, ByteView) {
    for (const ConnectionId id : {first, second, third}) reactor->close(id);
  };
  turn();
  EXPECT_EQ(reactor->connection_count(), 0u);
  EXPECT_EQ(reactor->stats().reads, 1u);
  EXPECT_THAT(handler.closed_ones, IsEmpty());
}

TEST_F(FakeReactor, ClosesOthersFromClosed) {
  env::Handle a, b;
  const ConnectionId first = admit(&a);
  const ConnectionId second = admit(&b);
  network.socket(a).peer_ended = true;
  network.socket(b).peer_ended = true;
  handler.on_closed = [&](ConnectionId) {
    reactor->close(first);
    reactor->close(second);
  };
  turn();
  EXPECT_THAT(handler.closed_ones, SizeIs(1));
  EXPECT_EQ(reactor->connection_count(), 0u);
}

TEST_F(FakeReactor, TellsAnErrorOnce) {
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  network.socket(socket).read_error = ECONNRESET;
  turn();
  turn();
  ASSERT_THAT(handler.closed_ones, SizeIs(1));
  EXPECT_EQ(handler.closed_ones[0].id, id);
  EXPECT_EQ(handler.closed_ones[0].reason, CloseReason::io_error);
  EXPECT_EQ(handler.closed_ones[0].system_code, ECONNRESET);
  EXPECT_FALSE(network.is_open(socket));
}

TEST_F(FakeReactor, ReadsTheRestAfterAFailedWrite) {
  build({.read_buffer_bytes = 4});
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  network.socket(socket).incoming = "last words";
  network.socket(socket).peer_ended = true;
  network.socket(socket).write_error = EPIPE;
  send(id, "answer");
  turn();
  EXPECT_THAT(handler.closed_ones, IsEmpty());
  for (int i = 0; i < 4; ++i) turn();
  EXPECT_EQ(handler.received_by(id), "last words");
  EXPECT_EQ(handler.times_closed(id), 1u);
  EXPECT_FALSE(network.is_open(socket));
  EXPECT_EQ(reactor->stats().writes, 1u);
}

TEST_F(FakeReactor, GivesUpAfterAFailedWriteThatReadingDoesNotConfirm) {
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  network.socket(socket).write_error = ENOBUFS;
  send(id, "answer");
  turn();
  EXPECT_TRUE(reactor->is_open(id));
  turn(2'000);
  ASSERT_EQ(handler.times_closed(id), 1u);
  EXPECT_EQ(handler.closed_ones[0].system_code, ENOBUFS);
}

TEST_F(FakeReactor, HoldsReadingBackWhilePaused) {
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  reactor->pause_reading(id);
  network.socket(socket).incoming = "later";
  turn();
  EXPECT_EQ(handler.received_by(id), "");
  EXPECT_FALSE(network.socket(socket).interest.read);
  reactor->resume_reading(id);
  turn();
  turn();
  EXPECT_EQ(handler.received_by(id), "later");
}

TEST_F(FakeReactor, PauseAndResumeInOneTurnCostNothing) {
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  reactor->pause_reading(id);
  reactor->resume_reading(id);
  turn();
  EXPECT_EQ(network.changes, 0u);
}

TEST_F(FakeReactor, ClosesAPausedConnectionThatDies) {
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  reactor->pause_reading(id);
  turn();
  network.socket(socket).read_error = ECONNRESET;
  turn();
  EXPECT_EQ(handler.times_closed(id), 1u);
}

TEST_F(FakeReactor, FinishesThenDrainsThenCloses) {
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  network.socket(socket).write_room = 3;
  send(id, "goodbye");
  reactor->close_after_flush(id, clock.now().mono_ms + 5'000);
  EXPECT_FALSE(reactor->is_open(id));
  network.socket(socket).incoming = "ignored";
  turn();
  turn();
  EXPECT_FALSE(network.socket(socket).write_shut);
  network.socket(socket).write_room = 100;
  turn();
  EXPECT_EQ(network.socket(socket).written, "goodbye");
  EXPECT_TRUE(network.socket(socket).write_shut);
  network.socket(socket).peer_ended = true;
  turn();
  EXPECT_FALSE(network.is_open(socket));
  EXPECT_EQ(handler.received_by(id), "");
  EXPECT_THAT(handler.closed_ones, IsEmpty());
}

TEST_F(FakeReactor, ClosesAtTheDeadlineIfThePeerDoesNotRead) {
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  network.socket(socket).write_room = 0;
  send(id, "goodbye");
  reactor->close_after_flush(id, clock.now().mono_ms + 500);
  turn();
  turn(499);
  EXPECT_TRUE(network.is_open(socket));
  reactor->turn(kNever);  // wakes by itself
  EXPECT_EQ(network.last_timeout_ms, 1);
  EXPECT_FALSE(network.is_open(socket));
  EXPECT_EQ(reactor->connection_count(), 0u);
}

TEST_F(FakeReactor, SendsItsAnswersToAHalfClosedPeer) {
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  network.socket(socket).write_room = 0;
  network.socket(socket).incoming = "request";
  handler.on_received = [&](ConnectionId from, ByteView) { send(from, "answer"); };
  turn();
  network.socket(socket).peer_ended = true;
  turn();
  ASSERT_EQ(handler.times_closed(id), 1u);
  EXPECT_EQ(handler.closed_ones[0].reason, CloseReason::peer_closed);
  ASSERT_TRUE(network.is_open(socket));
  network.socket(socket).write_room = 100;
  turn();
  EXPECT_FALSE(network.is_open(socket));
  EXPECT_EQ(reactor->stats().bytes_out, 6u);
  EXPECT_EQ(handler.times_closed(id), 1u);
}

TEST_F(FakeReactor, TriesAllAddressesOfAName) {
  network.addresses = {{"::1", 1}, {"192.0.2.7", 1}};
  network.connect_results = {{"::1", ECONNREFUSED}};
  const ConnectionId id = reactor->connect({"example", 1}).value();
  send(id, "early");
  turn();
  EXPECT_THAT(handler.connected_ids, IsEmpty());
  turn();
  EXPECT_THAT(handler.connected_ids, ElementsAre(id));
  EXPECT_EQ(network.socket(network.newest()).written, "early");
  EXPECT_FALSE(network.socket(network.newest()).interest.write);
  EXPECT_TRUE(network.socket(network.newest()).interest.read);
  EXPECT_EQ(network.open_sockets(), 2u);
}

TEST_F(FakeReactor, TellsThatNoAddressAnswers) {
  network.addresses = {{"::1", 1}, {"192.0.2.7", 1}};
  network.connect_results = {{"::1", EHOSTUNREACH}, {"192.0.2.7", ECONNREFUSED}};
  const ConnectionId id = reactor->connect({"example", 1}).value();
  for (int i = 0; i < 4; ++i) turn();
  ASSERT_EQ(handler.times_closed(id), 1u);
  EXPECT_EQ(handler.closed_ones[0].reason, CloseReason::connect_failed);
  EXPECT_EQ(handler.closed_ones[0].system_code, ECONNREFUSED);
  EXPECT_EQ(network.open_sockets(), 1u);
  EXPECT_EQ(reactor->connection_count(), 0u);
}

TEST_F(FakeReactor, GivesUpAnAttemptThatGetsNoAnswer) {
  build({.connect_attempt_ms = 300});
  const ConnectionId id = reactor->connect({"192.0.2.7", 1}).value();
  network.unwatch(network.newest());  // nothing is ever heard
  reactor->turn(kNever);
  EXPECT_EQ(network.last_timeout_ms, 300);
  ASSERT_EQ(handler.times_closed(id), 1u);
  EXPECT_EQ(handler.closed_ones[0].system_code, ETIMEDOUT);
}

TEST_F(FakeReactor, WaitsNoLongerThanItsOwnerWants) {
  reactor->turn(clock.now().mono_ms + 77);
  EXPECT_EQ(network.last_timeout_ms, 77);
  reactor->turn(clock.now().mono_ms - 5);
  EXPECT_EQ(network.last_timeout_ms, 0);
  reactor->turn(kNever);
  EXPECT_EQ(network.last_timeout_ms, -1);
}

TEST_F(FakeReactor, AsksBeforeItWaitsOnly) {
  turn();
  EXPECT_EQ(handler.waits, 0u);  // it only polled
  reactor->turn(kNever);
  EXPECT_EQ(handler.waits, 1u);
  EXPECT_EQ(network.last_timeout_ms, -1);
  handler.on_before_wait = [] { return false; };
  reactor->turn(kNever);
  EXPECT_EQ(network.last_timeout_ms, 0);
  EXPECT_EQ(handler.waits, 2u);
  EXPECT_EQ(handler.waits_ended, 2u);
}

TEST_F(FakeReactor, SaysThatItIsAwakeBeforeTheFirstEvent) {
  env::Handle socket;
  admit(&socket);
  network.socket(socket).incoming = "x";
  std::size_t ended_at_event = 0;
  handler.on_received = [&](ConnectionId, ByteView) { ended_at_event = handler.waits_ended; };
  reactor->turn(kNever);
  EXPECT_EQ(ended_at_event, 1u);
}

TEST_F(FakeReactor, DoesNotWaitForWhatWasMarkedBeforeTheWait) {
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  handler.on_before_wait = [&] {
    send(id, "late");
    return true;
  };
  reactor->turn(kNever);
  EXPECT_EQ(network.last_timeout_ms, 0);
  EXPECT_EQ(network.socket(socket).written, "late");
}

TEST_F(FakeReactor, ReleasesUnwatchedAndForgetsTheEventInHand) {
  env::Handle a, b;
  const ConnectionId first = admit(&a);
  const ConnectionId second = admit(&b);
  network.socket(a).incoming = "x";
  network.socket(b).incoming = "y";
  handler.on_received = [&](ConnectionId, ByteView) {
    EXPECT_EQ(reactor->release(first).handle, a);
    EXPECT_EQ(reactor->release(second).handle, b);
  };
  turn();
  EXPECT_EQ(reactor->stats().reads, 1u);
  EXPECT_FALSE(network.socket(a).watched);
  EXPECT_FALSE(network.socket(b).watched);
  EXPECT_TRUE(network.is_open(b));
  EXPECT_EQ(reactor->connection_count(), 0u);
  handler.on_received = nullptr;
  const ConnectionId again = reactor->adopt({b, nullptr}).value();
  turn();
  EXPECT_EQ(handler.received_by(again), "y");
}

TEST_F(FakeReactor, StopsListeningFromInsideACallback) {
  network.waiting = 3;
  handler.on_accepted = [&](ConnectionId) { reactor->stop_listening(); };
  turn();
  EXPECT_THAT(handler.accepted_ids, SizeIs(1));
  EXPECT_EQ(network.open_sockets(), 1u);
  EXPECT_FALSE(reactor->local_endpoint(listener).has_value());
}

TEST_F(FakeReactor, ClosesAllSocketsAtItsEnd) {
  env::Handle socket;
  admit(&socket);
  reactor->connect({"192.0.2.7", 1}).value();
  reactor.reset();
  EXPECT_EQ(network.open_sockets(), 0u);
  EXPECT_THAT(handler.closed_ones, IsEmpty());
}

}  // namespace
}  // namespace martlet::net
