// The reactor on real loopback sockets.
#include "net/reactor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <thread>

#include "base/random.h"
#include "net/testing/loopback.h"

namespace martlet::net {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class ReactorTest : public testing::Loopback {};

std::string pattern(std::size_t size, std::uint64_t seed) {
  std::string text(size, '\0');
  Random random(seed);
  for (char& byte : text) byte = static_cast<char>(random.next());
  return text;
}

TEST_P(ReactorTest, TalksToAPeer) {
  env::Handle peer;
  const ConnectionId id = join(&peer);
  EXPECT_THAT(handler.peers.back(), StartsWith("127.0.0.1:"));
  push(peer, "ping");
  ASSERT_TRUE(until([&] { return handler.received_by(id) == "ping"; }));
  send(id, "pong");
  std::string got;
  ASSERT_TRUE(until([&] {
    pull(peer, &got);
    return got == "pong";
  }));
}

TEST_P(ReactorTest, ConnectsToItself) {
  const ConnectionId client = reactor->connect({"localhost", at.port}).value();
  send(client, "early");  // before there is a connection
  ASSERT_TRUE(until([&] { return !handler.accepted_ids.empty(); }));
  const ConnectionId server = handler.accepted_ids[0];
  ASSERT_TRUE(until([&] { return handler.received_by(server) == "early"; }));
  EXPECT_THAT(handler.connected_ids, ElementsAre(client));
  reactor->close(client);
  ASSERT_TRUE(until([&] { return handler.times_closed(server) == 1; }));
  EXPECT_EQ(handler.closed_ones[0].reason, CloseReason::peer_closed);
  EXPECT_EQ(handler.times_closed(client), 0u);
}

TEST_P(ReactorTest, TellsARefusedConnect) {
  reactor->stop_listening();
  const auto attempt = reactor->connect(at);
  // The system may know at once.
  if (!attempt) {
    EXPECT_EQ(attempt.error().system_code, ECONNREFUSED);
    return;
  }
  ASSERT_TRUE(until([&] { return handler.times_closed(*attempt) == 1; }));
  EXPECT_EQ(handler.closed_ones[0].reason, CloseReason::connect_failed);
  EXPECT_EQ(handler.closed_ones[0].system_code, ECONNREFUSED);
}

TEST_P(ReactorTest, CarriesTenMebibytesBothWays) {
  constexpr std::size_t kSize = 10 << 20;
  const std::string up = pattern(kSize, 1);
  const std::string down = pattern(kSize, 2);
  env::Handle peer;
  const ConnectionId id = join(&peer);
  send(id, down);
  std::string_view unsent = up;
  std::string got;
  ASSERT_TRUE(until([&] {
    unsent = push(peer, unsent);
    pull(peer, &got);
    return got.size() == kSize && handler.received_by(id).size() == kSize;
  }));
  EXPECT_TRUE(got == down);
  EXPECT_TRUE(handler.received_by(id) == up);
  EXPECT_EQ(reactor->stats().bytes_in, kSize);
  EXPECT_EQ(reactor->stats().bytes_out, kSize);
  EXPECT_THAT(handler.drained_ids, ElementsAre(id));
}

TEST_P(ReactorTest, FeelsASlowReader) {
  build({.outbox_high_bytes = 1 << 20, .outbox_low_bytes = 1 << 10});
  env::Handle peer;
  const ConnectionId id = join(&peer);
  const std::string chunk(1 << 16, 'x');
  std::size_t sent = 0;
  // The kernel's own buffers fill first, a few MiB.
  while (!reactor->above_high_water(id)) {
    send(id, chunk);
    sent += chunk.size();
    reactor->turn(clock->now().mono_ms);
    ASSERT_LT(sent, std::size_t{1} << 30) << "nothing holds the writer back";
  }
  EXPECT_THAT(handler.drained_ids, IsEmpty());
  std::string got;
  ASSERT_TRUE(until([&] {
    pull(peer, &got);
    return !handler.drained_ids.empty();
  }));
  ASSERT_TRUE(until([&] {
    pull(peer, &got);
    return got.size() == sent;
  }));
  EXPECT_THAT(handler.drained_ids, ElementsAre(id));
}

TEST_P(ReactorTest, HoldsAPausedPeerBack) {
  env::Handle peer;
  const ConnectionId id = join(&peer);
  reactor->pause_reading(id);
  reactor->turn(clock->now().mono_ms);
  push(peer, "later");
  peers->shutdown_write(peer);
  reactor->turn(clock->now().mono_ms + 1);
  EXPECT_EQ(handler.received_by(id), "");
  EXPECT_THAT(handler.closed_ones, IsEmpty());
  reactor->resume_reading(id);
  ASSERT_TRUE(until([&] { return handler.times_closed(id) == 1; }));
  EXPECT_EQ(handler.received_by(id), "later");
}

TEST_P(ReactorTest, HoldsAPausedPeerBackThatHasHadAnAnswer) {
  env::Handle peer;
  const ConnectionId id = join(&peer);
  send(id, "answer");
  push(peer, "first");
  ASSERT_TRUE(until([&] { return handler.received_by(id) == "first" && reactor->stats().bytes_out == 6; }));
  reactor->pause_reading(id);
  reactor->turn(clock->now().mono_ms);
  push(peer, ", later");
  peers->shutdown_write(peer);
  for (int i = 0; i < 3; ++i) reactor->turn(clock->now().mono_ms + 1);
  EXPECT_EQ(handler.received_by(id), "first");
  EXPECT_THAT(handler.closed_ones, IsEmpty());
  reactor->resume_reading(id);
  ASSERT_TRUE(until([&] { return handler.times_closed(id) == 1; }));
  EXPECT_EQ(handler.received_by(id), "first, later");
}

TEST_P(ReactorTest, AnswersAHalfClosedPeer) {
  handler.on_received = [&](ConnectionId from, ByteView) { send(from, std::string(8 << 20, 'a')); };
  env::Handle peer;
  const ConnectionId id = join(&peer);
  push(peer, "request");
  peers->shutdown_write(peer);
  ASSERT_TRUE(until([&] { return handler.times_closed(id) == 1; }));
  EXPECT_EQ(handler.closed_ones[0].reason, CloseReason::peer_closed);
  std::string got;
  env::IoOutcome ended;
  ASSERT_TRUE(until([&] {
    ended = pull(peer, &got);
    return ended.status != env::IoStatus::would_block;
  }));
  EXPECT_EQ(ended.status, env::IoStatus::closed);
  EXPECT_EQ(got.size(), std::size_t{8} << 20);
  EXPECT_EQ(reactor->connection_count(), 0u);
}

TEST_P(ReactorTest, LastBytesReachAPeerThatIsStillSending) {
  env::Handle peer;
  const ConnectionId id = join(&peer);
  // Unread input would turn a plain close into a reset, and the peer would lose the good-bye.
  reactor->pause_reading(id);
  const std::string flood(1 << 20, 'f');
  push(peer, flood);
  send(id, "goodbye");
  reactor->close_after_flush(id, clock->now().mono_ms + kPatienceMs);
  EXPECT_FALSE(reactor->is_open(id));
  std::string got;
  env::IoOutcome ended;
  ASSERT_TRUE(until([&] {
    push(peer, "more");
    ended = pull(peer, &got);
    return ended.status != env::IoStatus::would_block;
  }));
  EXPECT_EQ(ended.status, env::IoStatus::closed);
  EXPECT_EQ(got, "goodbye");
  EXPECT_EQ(reactor->connection_count(), 1u);
  leave(peer);
  ASSERT_TRUE(until([&] { return reactor->connection_count() == 0; }));
  EXPECT_THAT(handler.closed_ones, IsEmpty());
}

TEST_P(ReactorTest, ReadsAllThatALeavingPeerSaid) {
  build({.read_buffer_bytes = 1000});
  env::Handle peer;
  const ConnectionId id = join(&peer);
  // Each piece is answered, the answers meet a closed socket, and the rest of what was said is still heard.
  std::string heard;
  handler.on_received = [&](ConnectionId from, ByteView bytes) {
    heard += as_text(bytes);
    send(from, "answer");
  };
  const std::string said = pattern(50'000, 3);
  ASSERT_TRUE(push(peer, said).empty());
  leave(peer);
  ASSERT_TRUE(until([&] { return handler.times_closed(id) == 1; }));
  EXPECT_TRUE(heard == said) << heard.size();
}

TEST_P(ReactorTest, WakesFromAnotherThread) {
  std::thread other([&] { reactor->wake(); });
  EXPECT_FALSE(reactor->turn(kNever));
  other.join();
}

TEST_P(ReactorTest, ReportsSignals) {
  const auto signals = env::posix::make_signals().value();
  ASSERT_TRUE(reactor->watch_external(signals->handle(), 42).has_value());
  handler.on_external = [&](std::uint32_t) { EXPECT_EQ(signals->next(), env::Signal::dump); };
  ::raise(SIGUSR1);
  ASSERT_TRUE(until([&] { return !handler.externals.empty(); }));
  EXPECT_THAT(handler.externals, ElementsAre(42u));
  reactor->unwatch_external(signals->handle());
}

TEST_P(ReactorTest, ListensAtSeveralAddressesAndStops) {
  const auto second = reactor->listen({"127.0.0.1", 0});
  ASSERT_TRUE(second.has_value());
  EXPECT_NE(reactor->local_endpoint(*second).value().port, at.port);
  const auto taken = reactor->listen(at);
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().system_code, EADDRINUSE);
  env::Handle peer;
  const ConnectionId id = join(&peer);
  reactor->stop_listening();
  EXPECT_TRUE(reactor->is_open(id));
  EXPECT_FALSE(reactor->local_endpoint(listener).has_value());
}

// Peers come, talk and go as they like, from both ends. What is heard is always the beginning of what was said, and
// each connection that the owner did not close is closed once.
TEST_P(ReactorTest, SurvivesChurn) {
  build({.read_buffer_bytes = 512, .accepts_per_turn = 3, .outbox_high_bytes = 4096, .outbox_low_bytes = 100});
  const std::string speech = pattern(20'000, 4);
  Random random(5);
  std::map<std::uint64_t, std::size_t> heard;
  std::map<std::uint64_t, bool> closed_by_owner;
  handler.on_received = [&](ConnectionId id, ByteView bytes) {
    std::size_t& at_byte = heard[id.value()];
    ASSERT_LE(at_byte + bytes.size(), speech.size());
    ASSERT_TRUE(as_text(bytes) == std::string_view(speech).substr(at_byte, bytes.size()));
    at_byte += bytes.size();
    send(id, as_text(bytes));
    const ConnectionId any = handler.accepted_ids[random.below(handler.accepted_ids.size())];
    if (!reactor->is_open(any)) return;
    const std::uint64_t dice = random.below(100);
    if (dice == 0) reactor->close(any);
    if (dice == 1) reactor->close_after_flush(any, clock->now().mono_ms + 50);
    closed_by_owner[any.value()] = dice < 2;
    if (dice == 2) reactor->pause_reading(any);
    if (dice > 80) reactor->resume_reading(any);
  };
  struct Peer {
    env::Handle handle;
    std::string_view unsent;
    std::string echoed;
  };
  std::vector<Peer> crowd;
  for (int round = 0; round < 3000; ++round) {
    if (round < 2500 && crowd.size() < 60) crowd.push_back({knock(), speech, {}});
    reactor->turn(clock->now().mono_ms);
    for (std::size_t i = 0; i < crowd.size();) {
      Peer& peer = crowd[i];
      const std::string_view piece = peer.unsent.substr(0, random.below(2000));
      peer.unsent.remove_prefix(piece.size() - push(peer.handle, piece).size());
      if (random.below(3) != 0) pull(peer.handle, &peer.echoed);
      ASSERT_TRUE(speech.starts_with(peer.echoed));
      if (random.below(40) == 0 || round >= 2500) {
        leave(peer.handle);
        std::swap(peer, crowd.back());
        crowd.pop_back();
      } else {
        ++i;
      }
    }
  }
  for (const ConnectionId id : handler.accepted_ids) reactor->resume_reading(id);
  ASSERT_TRUE(until([&] { return reactor->connection_count() == 0; }));
  EXPECT_GT(handler.accepted_ids.size(), 500u);
  for (const ConnectionId id : handler.accepted_ids) {
    ASSERT_EQ(handler.times_closed(id), closed_by_owner[id.value()] ? 0u : 1u);
  }
}

INSTANTIATE_TEST_SUITE_P(With, ReactorTest, ::testing::ValuesIn(env::testing::pollings()), env::testing::polling_name);

}  // namespace
}  // namespace martlet::net
