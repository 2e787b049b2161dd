// Layered connections on real loopback sockets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>

#include "base/random.h"
#include "net/testing/framed_layer.h"
#include "net/testing/loopback.h"

namespace martlet::net {
namespace {

using testing::framed;
using testing::kMostRecordBytes;
using testing::unframed;

class LayeredLoopback : public testing::Loopback {
 protected:
  LayeredLoopback() { build_layered({}); }

  void build_layered(const ReactorOptions& options) {
    build(options);
    listener = reactor->listen({"127.0.0.1", 0}, {}, {&factory}).value();
    at = reactor->local_endpoint(listener).value();
  }

  testing::FramedFactory factory;
};

std::string pattern(std::size_t size, std::uint64_t seed) {
  std::string text(size, '\0');
  Random random(seed);
  for (char& byte : text) byte = static_cast<char>(random.next());
  return text;
}

TEST_P(LayeredLoopback, CarriesMuchBothWays) {
  constexpr std::size_t kSize = 5 << 20;
  const std::string up = pattern(kSize, 1);
  const std::string down = pattern(kSize, 2);
  env::Handle peer;
  const ConnectionId id = join(&peer);
  send(id, down);
  const std::string wire = "hi\n" + framed(up);
  std::string_view unsent = wire;
  std::string got;
  ASSERT_TRUE(until([&] {
    unsent = push(peer, unsent);
    pull(peer, &got);
    // Not all records are full.
    const bool all = got.size() >= framed(down).size() && unframed(got).size() == kSize;
    return all && handler.received_by(id).size() == kSize;
  }));
  EXPECT_TRUE(unframed(got) == down);
  EXPECT_TRUE(handler.received_by(id) == up);
  EXPECT_THAT(handler.drained_ids, ::testing::ElementsAre(id));
}

TEST_P(LayeredLoopback, SaysGoodbyeToAPeerThatIsStillSending) {
  env::Handle peer;
  const ConnectionId id = join(&peer);
  push(peer, "hi\n");
  ASSERT_TRUE(until([&] { return reactor->ready(id); }));
  reactor->pause_reading(id);
  push(peer, framed(std::string(1 << 20, 'f')));
  send(id, "goodbye");
  reactor->close_after_flush(id, clock->now().mono_ms + kPatienceMs);
  std::string got;
  env::IoOutcome ended;
  ASSERT_TRUE(until([&] {
    push(peer, framed("more"));
    ended = pull(peer, &got);
    return ended.status != env::IoStatus::would_block;
  }));
  EXPECT_EQ(ended.status, env::IoStatus::closed);
  EXPECT_EQ(unframed(got), "goodbye.");
  leave(peer);
  ASSERT_TRUE(until([&] { return reactor->connection_count() == 0; }));
}

TEST_P(LayeredLoopback, MovesToAnotherThread) {
  const auto second_network = env::posix::make_network(GetParam()).value();
  testing::RecordingHandler second_handler;
  Reactor second(*second_network, *clock, second_handler);
  std::vector<ReleasedConnection> released;
  handler.on_received = [&](ConnectionId id, ByteView) { released.push_back(reactor->release(id)); };
  constexpr std::size_t kPeers = 50;
  std::vector<env::Handle> crowd;
  for (std::size_t i = 0; i < kPeers; ++i) {
    crowd.push_back(knock());
    push(crowd.back(), "hi\n" + framed("hello"));
  }
  ASSERT_TRUE(until([&] { return released.size() == kPeers; }));
  for (const env::Handle peer : crowd) push(peer, framed("there"));
  second_handler.on_received = [&](ConnectionId id, ByteView bytes) {
    second.outbox(id).append(bytes);
    second.touch(id);
  };
  std::thread other([&] {
    for (ReleasedConnection& one : released) EXPECT_TRUE(second.adopt(std::move(one)).has_value());
    const std::size_t all = kPeers * (3 + framed("there").size());
    while (second.stats().bytes_out < all) second.turn(kNever);
  });
  other.join();
  for (const env::Handle peer : crowd) {
    std::string got;
    pull(peer, &got);
    EXPECT_EQ(unframed(got), "there");
  }
}

// Peers come, talk in pieces, break the rules or leave as they like; each is told closed once, unless closed by its
// owner, and what is heard is the beginning of what was said.
TEST_P(LayeredLoopback, SurvivesChurn) {
  build_layered({.read_buffer_bytes = 512,
                 .accepts_per_turn = 3,
                 .outbox_high_bytes = 4096,
                 .outbox_low_bytes = 100,
                 .half_closed_linger_ms = 20});
  const std::string speech = pattern(20'000, 4);
  const std::string wire = "hi\n" + framed(speech);
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
  for (int round = 0; round < 2000; ++round) {
    if (round < 1500 && crowd.size() < 60) crowd.push_back({knock(), wire, {}});
    reactor->turn(clock->now().mono_ms);
    for (std::size_t i = 0; i < crowd.size();) {
      Peer& peer = crowd[i];
      const std::string_view piece = peer.unsent.substr(0, random.below(2000));
      peer.unsent.remove_prefix(piece.size() - push(peer.handle, piece).size());
      if (random.below(3) != 0) pull(peer.handle, &peer.echoed);
      if (random.below(40) == 0 || round >= 1500) {
        // The record is ended, then comes a goodbye, a broken rule, or nothing.
        const std::size_t said = wire.size() - peer.unsent.size();
        const std::size_t records = said < 3 ? 0 : (said - 3 + kMostRecordBytes) / (kMostRecordBytes + 1);
        const std::string_view rest = peer.unsent.substr(0, 3 + records * (kMostRecordBytes + 1) - said);
        const std::uint64_t dice = push(peer.handle, rest).empty() ? random.below(3) : 2;
        if (dice == 0) push(peer.handle, std::string_view("\0", 1));
        if (dice == 1) push(peer.handle, "\xff");
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
  EXPECT_GT(handler.accepted_ids.size(), 300u);
  for (const ConnectionId id : handler.accepted_ids) {
    ASSERT_EQ(handler.times_closed(id), closed_by_owner[id.value()] ? 0u : 1u);
  }
}

INSTANTIATE_TEST_SUITE_P(With, LayeredLoopback, ::testing::ValuesIn(env::testing::pollings()),
                         env::testing::polling_name);

}  // namespace
}  // namespace martlet::net
