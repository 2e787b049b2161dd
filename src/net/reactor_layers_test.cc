// Layered connections of a reactor, on a scripted network.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "net/proxy_protocol.h"
#include "net/reactor.h"
#include "net/testing/fake_network.h"
#include "net/testing/framed_layer.h"
#include "net/testing/recording_handler.h"
#include "net/testing/websocket_client.h"
#include "net/websocket_layer.h"

namespace martlet::net {
namespace {

using ::testing::ElementsAre;
using testing::framed;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::unframed;

constexpr std::string_view kGoodbye("\0", 1);

class LayeredReactor : public ::testing::Test {
 protected:
  LayeredReactor() { build({}); }

  void build(const ReactorOptions& options) {
    reactor.reset();
    reactor = std::make_unique<Reactor>(network, clock, handler, options);
    ASSERT_TRUE(reactor->listen({"192.0.2.1", 1883}, {}, {&factory}).has_value());
  }
  // An accepted connection that has said nothing yet.
  ConnectionId admit(env::Handle* socket) {
    network.waiting = 1;
    turn();
    *socket = network.newest();
    return handler.accepted_ids.back();
  }
  // One whose handshake is done.
  ConnectionId admit_ready(env::Handle* socket) {
    const ConnectionId id = admit(socket);
    say(*socket, "hi\n");
    turn();
    EXPECT_TRUE(reactor->ready(id));
    return id;
  }
  void say(env::Handle socket, std::string_view wire) { network.socket(socket).incoming += wire; }
  std::string heard(env::Handle socket) { return unframed(network.socket(socket).written); }
  void turn(std::int64_t wait_ms = 0) { reactor->turn(clock.now().mono_ms + wait_ms); }
  void send(ConnectionId id, std::string_view text) {
    reactor->outbox(id).append(as_bytes(text));
    reactor->touch(id);
  }

  testing::FakeClock clock;
  testing::FakeNetwork network{clock};
  testing::RecordingHandler handler;
  testing::FramedFactory factory;
  std::unique_ptr<Reactor> reactor;
};

TEST_F(LayeredReactor, SpeaksPlainlyToItsOwner) {
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  EXPECT_TRUE(reactor->layered(id));
  EXPECT_FALSE(reactor->ready(id));
  EXPECT_EQ(reactor->peer_facts(id), nullptr);
  EXPECT_THAT(factory.addresses, ElementsAre("192.0.2.9:50000"));
  send(id, "early");
  say(socket, "hi");
  turn();
  EXPECT_EQ(network.socket(socket).written, "");
  say(socket, "\n" + framed("hello"));
  turn();
  EXPECT_EQ(handler.received_by(id), "hello");
  EXPECT_EQ(heard(socket), "early");
  EXPECT_EQ(reactor->peer_facts(id)->server_name, "framed U");
  EXPECT_EQ(network.changes, 0u);
  EXPECT_TRUE(reactor->outbox(id).empty());
}

TEST_F(LayeredReactor, AsksWhetherWhoIsBehindAProxyMayComeInBeforeOtherLayersHearAnything) {
  ProxyFactory proxies{{}};
  reactor = std::make_unique<Reactor>(network, clock, handler);
  ASSERT_TRUE(reactor->listen({"192.0.2.1", 1883}, {}, {&proxies, &factory}).has_value());
  std::vector<std::string> located;
  handler.on_located = [&](ConnectionId, std::string_view address) {
    located.emplace_back(address);
    return address != "203.0.113.7:1";
  };
  constexpr std::string_view kBanned = "PROXY TCP4 203.0.113.7 198.51.100.1 1 1883\r\n";
  env::Handle banned;
  const ConnectionId out = admit(&banned);
  say(banned, kBanned.substr(0, 20));
  turn();
  EXPECT_THAT(located, IsEmpty());
  say(banned, std::string(kBanned.substr(20)) + "hi\n" + framed("x"));
  turn();
  EXPECT_THAT(located, ElementsAre("203.0.113.7:1"));
  EXPECT_FALSE(reactor->is_open(out));
  EXPECT_EQ(reactor->connection_count(), 0u);
  EXPECT_EQ(network.written_bytes, 0u) << "the greeting was not answered";
  EXPECT_EQ(handler.times_closed(out), 0u);
  EXPECT_EQ(handler.received_by(out), "");

  env::Handle welcome;
  const ConnectionId in = admit(&welcome);
  say(welcome, "PROXY TCP4 203.0.113.8 198.51.100.1 1 1883\r\nhi\n" + framed("x"));
  turn();
  say(welcome, framed("y"));
  turn();
  EXPECT_THAT(located, ElementsAre("203.0.113.7:1", "203.0.113.8:1")) << "once for each";
  EXPECT_EQ(handler.received_by(in), "xy");

  env::Handle check;
  const ConnectionId own = admit(&check);
  say(check, "PROXY UNKNOWN\r\nhi\n" + framed("z"));
  turn();
  EXPECT_THAT(located, SizeIs(2)) << "the socket's address holds";
  EXPECT_EQ(handler.received_by(own), "z");
}

TEST_F(LayeredReactor, IsPlainWithoutLayers) {
  const ListenerId plain = reactor->listen({"192.0.2.1", 1884}).value();
  (void)plain;
  const ConnectionId id = reactor->connect({"192.0.2.7", 1}).value();
  EXPECT_FALSE(reactor->ready(id));
  turn();
  EXPECT_FALSE(reactor->layered(id));
  EXPECT_TRUE(reactor->ready(id));
  EXPECT_EQ(reactor->peer_facts(id), nullptr);
}

TEST_F(LayeredReactor, FeedsTheLayersAsTheSocketTakes) {
  build({.outbox_high_bytes = 400'000, .outbox_low_bytes = 100'000});
  env::Handle socket;
  const ConnectionId id = admit_ready(&socket);
  network.socket(socket).write_room = 0;
  const std::string text(1'000'000, 't');
  send(id, text);
  EXPECT_TRUE(reactor->above_high_water(id));
  turn();
  turn();
  const std::size_t taken = text.size() - reactor->outbox(id).size();
  EXPECT_GT(taken, 60'000u);
  EXPECT_LE(taken, LayerStack::kAheadBytes);
  EXPECT_THAT(handler.drained_ids, IsEmpty());
  network.socket(socket).write_room = 850'000;
  turn();
  EXPECT_THAT(handler.drained_ids, IsEmpty());
  EXPECT_TRUE(network.socket(socket).interest.write);
  network.socket(socket).write_room = 10'000'000;
  turn();  // it is writable
  EXPECT_THAT(handler.drained_ids, ElementsAre(id));
  EXPECT_FALSE(network.socket(socket).interest.write);
  EXPECT_TRUE(heard(socket) == text);
}

TEST_F(LayeredReactor, AnswersOfLayersNeedNoOwner) {
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  network.socket(socket).write_room = 1;
  say(socket, "hi\n");
  turn();
  EXPECT_EQ(network.socket(socket).written, "o");
  network.socket(socket).write_room = 9;
  turn();
  EXPECT_EQ(network.socket(socket).written, "ok\n");
  EXPECT_THAT(handler.bytes, IsEmpty());
  EXPECT_TRUE(reactor->ready(id));
}

TEST_F(LayeredReactor, SaysGoodbyeBehindTheLastByte) {
  env::Handle socket;
  const ConnectionId id = admit_ready(&socket);
  network.socket(socket).write_room = 5;
  send(id, "farewell");
  reactor->close_after_flush(id, clock.now().mono_ms + 5'000);
  say(socket, framed("ignored"));
  turn();
  turn();
  EXPECT_FALSE(network.socket(socket).write_shut);
  network.socket(socket).write_room = 100;
  turn();
  EXPECT_EQ(heard(socket), "farewell.");
  EXPECT_TRUE(network.socket(socket).write_shut);
  say(socket, framed("ignored too"));
  turn();
  network.socket(socket).peer_ended = true;
  turn();
  EXPECT_FALSE(network.is_open(socket));
  EXPECT_THAT(handler.bytes, IsEmpty());
  EXPECT_THAT(handler.closed_ones, IsEmpty());
}

TEST_F(LayeredReactor, FinishesTheHandshakeForTheLastWord) {
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  send(id, "go away");
  reactor->close_after_flush(id, clock.now().mono_ms + 5'000);
  turn();
  EXPECT_FALSE(network.socket(socket).write_shut);
  say(socket, "hi\n" + framed("ignored"));
  turn();
  EXPECT_EQ(heard(socket), "go away.");
  EXPECT_TRUE(network.socket(socket).write_shut);
  EXPECT_THAT(handler.bytes, IsEmpty());
}

TEST_F(LayeredReactor, GivesUpTheLastWordAtTheDeadline) {
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  send(id, "go away");
  reactor->close_after_flush(id, clock.now().mono_ms + 500);
  turn();
  reactor->turn(kNever);
  EXPECT_FALSE(network.is_open(socket));
}

TEST_F(LayeredReactor, ClosesWhoIsNotReady) {
  env::Handle a, b;
  const ConnectionId first = admit(&a);
  const ConnectionId second = admit(&b);
  say(a, "h");
  turn();
  reactor->close(first);
  EXPECT_FALSE(network.is_open(a));
  reactor->close_after_flush(second, clock.now().mono_ms + 500);
  turn();
  EXPECT_TRUE(network.socket(b).write_shut);
  EXPECT_EQ(network.socket(b).written, "");
  network.socket(b).peer_ended = true;
  turn();
  EXPECT_EQ(reactor->connection_count(), 0u);
}

TEST_F(LayeredReactor, TakesALayersEndAsThePeers) {
  env::Handle socket;
  const ConnectionId id = admit_ready(&socket);
  handler.on_received = [&](ConnectionId from, ByteView bytes) { send(from, as_text(bytes)); };
  say(socket, framed("echo") + std::string(kGoodbye) + framed("no more"));
  turn();
  ASSERT_EQ(handler.times_closed(id), 1u);
  EXPECT_EQ(handler.closed_ones[0].reason, CloseReason::peer_closed);
  EXPECT_EQ(heard(socket), "echo.");
  EXPECT_TRUE(network.socket(socket).write_shut);
  // Drained until its own end, so that no reset overtakes the goodbye.
  say(socket, "rubbish");
  turn();
  EXPECT_TRUE(network.is_open(socket));
  network.socket(socket).peer_ended = true;
  turn();
  EXPECT_FALSE(network.is_open(socket));
  EXPECT_EQ(handler.times_closed(id), 1u);
}

TEST_F(LayeredReactor, WaitsNotForEverForThePeerOfAnEndedLayer) {
  env::Handle socket;
  admit_ready(&socket);
  say(socket, kGoodbye);
  turn();
  turn(2'000);
  EXPECT_FALSE(network.is_open(socket));
  EXPECT_EQ(handler.closed_ones.size(), 1u);
}

TEST_F(LayeredReactor, SendsItsAnswersToAHalfClosedPeer) {
  env::Handle socket;
  const ConnectionId id = admit_ready(&socket);
  network.socket(socket).write_room = 0;
  say(socket, framed("request"));
  handler.on_received = [&](ConnectionId from, ByteView) { send(from, "answer"); };
  turn();
  network.socket(socket).peer_ended = true;
  turn();
  ASSERT_EQ(handler.times_closed(id), 1u);
  EXPECT_EQ(handler.closed_ones[0].reason, CloseReason::peer_closed);
  network.socket(socket).write_room = 100;
  const std::uint64_t before = reactor->stats().bytes_out;
  turn();
  EXPECT_FALSE(network.is_open(socket));
  EXPECT_EQ(reactor->stats().bytes_out - before, 1 + 6u + 1);
}

TEST_F(LayeredReactor, KeepsNothingForAPeerThatLeavesBeforeItIsReady) {
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  send(id, "early");
  turn();
  network.socket(socket).peer_ended = true;
  turn();
  turn();
  EXPECT_EQ(handler.times_closed(id), 1u);
  EXPECT_FALSE(network.is_open(socket));
}

TEST_F(LayeredReactor, TellsWhyALayerFailed) {
  env::Handle socket;
  const ConnectionId id = admit_ready(&socket);
  std::string why;
  handler.on_closed = [&](ConnectionId) { why = reactor->last_failure(); };
  handler.on_received = [&](ConnectionId from, ByteView bytes) {
    handler.bytes[from.value()] += as_text(bytes);
    send(from, "no longer");
  };
  say(socket, framed("good") + "\xff rubbish");
  turn();
  ASSERT_EQ(handler.times_closed(id), 1u);
  EXPECT_EQ(handler.closed_ones[0].reason, CloseReason::layer_failed);
  EXPECT_EQ(handler.closed_ones[0].system_code, 0);
  EXPECT_EQ(why, "a record is too long");
  EXPECT_EQ(handler.received_by(id), "good");
  EXPECT_EQ(network.socket(socket).written, "ok\n!");
  EXPECT_TRUE(network.socket(socket).write_shut);
  EXPECT_FALSE(reactor->is_open(id));
  turn(2'000);
  EXPECT_FALSE(network.is_open(socket));
}

TEST_F(LayeredReactor, MayBeClosedInReceivedThoughALayerFailed) {
  env::Handle socket;
  const ConnectionId id = admit_ready(&socket);
  handler.on_received = [&](ConnectionId from, ByteView) { reactor->close(from); };
  say(socket, framed("good") + "\xff");
  turn();
  EXPECT_FALSE(network.is_open(socket));
  EXPECT_EQ(handler.times_closed(id), 0u);
}

TEST_F(LayeredReactor, ReadsTheRestAfterAFailedWrite) {
  build({.read_buffer_bytes = 4});
  env::Handle socket;
  const ConnectionId id = admit_ready(&socket);
  say(socket, framed("last words"));
  network.socket(socket).peer_ended = true;
  network.socket(socket).write_error = EPIPE;
  send(id, "answer");
  for (int i = 0; i < 5; ++i) turn();
  EXPECT_EQ(handler.received_by(id), "last words");
  EXPECT_EQ(handler.times_closed(id), 1u);
  EXPECT_FALSE(network.is_open(socket));
}

TEST_F(LayeredReactor, HoldsReadingBackWhilePaused) {
  env::Handle socket;
  const ConnectionId id = admit_ready(&socket);
  reactor->pause_reading(id);
  say(socket, framed("later") + std::string(kGoodbye));
  turn();
  turn();
  EXPECT_EQ(handler.received_by(id), "");
  EXPECT_THAT(handler.closed_ones, IsEmpty());
  reactor->resume_reading(id);
  turn();
  turn();
  EXPECT_EQ(handler.received_by(id), "later");
  EXPECT_EQ(handler.times_closed(id), 1u);
}

TEST_F(LayeredReactor, IsReleasedWithItsLayers) {
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  network.socket(socket).write_room = 1;
  ReleasedConnection released;
  handler.on_received = [&](ConnectionId from, ByteView bytes) {
    handler.bytes[from.value()] += as_text(bytes);
    released = reactor->release(from);
  };
  // The layer's answer waits while the connection moves, and so does half a record.
  say(socket, "hi\n" + framed("hello") + framed("world").substr(0, 3));
  turn();
  handler.on_received = nullptr;
  ASSERT_TRUE(released);
  EXPECT_EQ(handler.received_by(id), "hellowo");
  EXPECT_FALSE(reactor->is_open(id));
  network.socket(socket).write_room = 100;
  say(socket, framed("world").substr(3));
  const ConnectionId there = reactor->adopt(std::move(released)).value();
  EXPECT_TRUE(reactor->layered(there));
  EXPECT_TRUE(reactor->ready(there));
  EXPECT_EQ(reactor->peer_facts(there)->server_name, "framed U");
  send(there, "answer");
  turn();
  EXPECT_EQ(handler.received_by(there), "rld");
  EXPECT_EQ(heard(socket), "answer");
}

TEST_F(LayeredReactor, TellsTheEndThatCameWithTheBytesOfItsRelease) {
  for (const std::string_view last : {kGoodbye, std::string_view("\xff")}) {
    handler.closed_ones.clear();
    env::Handle socket;
    admit_ready(&socket);
    ReleasedConnection released;
    handler.on_received = [&](ConnectionId from, ByteView) { released = reactor->release(from); };
    say(socket, framed("hello") + std::string(last));
    turn();
    ASSERT_TRUE(released);
    EXPECT_THAT(handler.closed_ones, IsEmpty());
    const ConnectionId there = reactor->adopt(std::move(released)).value();
    send(there, "answer");
    reactor->turn(kNever);
    ASSERT_EQ(handler.times_closed(there), 1u);
    const bool failed = last != kGoodbye;
    EXPECT_EQ(handler.closed_ones[0].reason, failed ? CloseReason::layer_failed : CloseReason::peer_closed);
    EXPECT_EQ(network.socket(socket).written, failed ? "ok\n!" : "ok\n" + framed("answer") + std::string(kGoodbye));
    turn(2'000);
    EXPECT_FALSE(network.is_open(socket));
  }
}

TEST_F(LayeredReactor, ReadsNoMoreOfWhoDoesNotReadItsAnswers) {
  WebSocketFactory websocket{WebSocketOptions()};
  reactor = std::make_unique<Reactor>(network, clock, handler, ReactorOptions{});
  ASSERT_TRUE(reactor->listen({"192.0.2.1", 1883}, {}, {&websocket}).has_value());
  env::Handle socket;
  const ConnectionId id = admit(&socket);
  say(socket, testing::kBrowserUpgrade);
  turn();
  ASSERT_TRUE(reactor->ready(id));
  network.socket(socket).write_room = 0;
  network.socket(socket).written.clear();
  const std::string ping = testing::client_frame(0x89, std::string(125, 'p'));
  constexpr int kPings = 3'000;
  for (int i = 0; i < kPings; ++i) {
    say(socket, ping);
    turn();
  }
  // About as much as two steps of layers is kept for it; the rest of what it says waits with it.
  EXPECT_FALSE(network.socket(socket).interest.read);
  EXPECT_GT(network.socket(socket).incoming.size(), kPings * ping.size() / 2);
  network.socket(socket).write_room = 1'000'000;
  for (int i = 0; i < 5; ++i) turn();
  EXPECT_TRUE(network.socket(socket).interest.read);
  EXPECT_TRUE(network.socket(socket).incoming.empty());
  EXPECT_GT(network.socket(socket).written.size(), 2 * LayerStack::kAheadBytes);
  EXPECT_LT(network.socket(socket).written.size(), 2 * LayerStack::kAheadBytes + 1'000);
}

class CostlyReactor : public LayeredReactor {
 protected:
  CostlyReactor() {
    reactor = std::make_unique<Reactor>(network, clock, handler, ReactorOptions{.costly_steps_per_turn = 3});
    EXPECT_TRUE(reactor->listen({"192.0.2.1", 1883}, {}, {&costly}).has_value());
  }
  std::vector<env::Handle> crowd(std::size_t count) {
    std::vector<env::Handle> sockets(count);
    for (env::Handle& socket : sockets) admit(&socket);
    return sockets;
  }
  std::size_t ready_ones() {
    return static_cast<std::size_t>(std::count_if(handler.accepted_ids.begin(), handler.accepted_ids.end(),
                                                  [&](ConnectionId id) { return reactor->ready(id); }));
  }

  testing::FramedFactory costly{0x55, true};
};

TEST_F(CostlyReactor, ShakesHandsWithAFewInATurn) {
  const std::vector<env::Handle> sockets = crowd(11);
  for (const env::Handle socket : sockets) say(socket, "hi\n");
  for (const std::size_t done : {3u, 6u, 9u, 11u}) {
    reactor->turn(kNever);
    EXPECT_EQ(ready_ones(), done);
  }
  // In line, and so in the order of their arrival; then as everybody.
  for (const env::Handle socket : sockets) {
    EXPECT_TRUE(network.socket(socket).interest.read);
    say(socket, framed("x"));
  }
  turn();
  EXPECT_THAT(handler.bytes, SizeIs(11));
}

TEST_F(CostlyReactor, LetsNobodyElseWait) {
  env::Handle talker;
  const ConnectionId id = admit(&talker);
  say(talker, "hi\n");
  turn();
  const std::vector<env::Handle> sockets = crowd(20);
  for (const env::Handle socket : sockets) say(socket, "hi\n");
  say(talker, framed("a"));
  turn();
  EXPECT_EQ(handler.received_by(id), "a");
  // Those that wait in line are out of the poller's sight.
  say(talker, framed("b"));
  turn();
  EXPECT_EQ(handler.received_by(id), "ab");
  EXPECT_EQ(std::count_if(sockets.begin(), sockets.end(),
                          [&](env::Handle socket) { return !network.socket(socket).interest.read; }),
            20 - 2 * 3);
}

TEST_F(CostlyReactor, ForgetsWhoLeavesTheLine) {
  const std::vector<env::Handle> sockets = crowd(8);
  for (const env::Handle socket : sockets) say(socket, "hi\n");
  turn();
  const std::vector<ConnectionId> ids = handler.accepted_ids;
  ReleasedConnection released = reactor->release(ids[7]);
  reactor->close(ids[3]);
  reactor->close_after_flush(ids[4], clock.now().mono_ms + 100);
  const ConnectionId back = reactor->adopt(std::move(released)).value();
  turn();
  turn();
  EXPECT_TRUE(reactor->ready(back));
  EXPECT_EQ(ready_ones(), 5u);  // and the one that came back
  reactor->turn(clock.now().mono_ms + 10);
  EXPECT_EQ(network.last_timeout_ms, 10);  // nobody waits
}

}  // namespace
}  // namespace martlet::net
