// What io_uring does beyond epoll: streamed sockets. The common contract is tested in network_test.cc, for both.
#include "env/posix/uring_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "env/posix/system.h"

namespace martlet::env::posix {
namespace {

constexpr std::int64_t kPatienceMs = 20'000;
constexpr Interest kStreamed{.read = true, .stream = true};

class UringNetworkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = make_network(Polling::io_uring);
    if (!opened) {
      // Not built in, forbidden, or too old: nothing else is an excuse.
      EXPECT_THAT(opened.error().system_code, ::testing::AnyOf(ENOSYS, EPERM, EINVAL)) << opened.error().message;
      GTEST_SKIP() << opened.error().message;
    }
    network = std::move(*opened);
    listener = network->listen({"127.0.0.1", 0}, {}).value();
    at = network->local_endpoint(listener).value();
  }
  void TearDown() override {
    if (!network) return;
    network->close(listener);
    for (const Handle peer : opened_peers) peers->close(peer);
  }

  // A peer, and our end of its connection.
  Handle join(Handle* peer) {
    *peer = knock();
    return admit();
  }
  Handle knock() {
    opened_peers.push_back(peers->connect(at).value());
    return opened_peers.back();
  }
  Handle admit() {
    Accepted accepted;
    while (accepted.status != AcceptStatus::accepted) accepted = network->accept(listener);
    return accepted.handle;
  }
  void leave(Handle peer) {
    std::erase(opened_peers, peer);
    peers->close(peer);
  }
  void say(Handle peer, std::string_view text) {
    const ByteView view = as_bytes(text);
    ASSERT_EQ(peers->write(peer, {&view, 1}).bytes, text.size());
  }
  // Waits once; adds the bytes of the events to `streamed` and counts those that tell to read.
  void wait(std::int64_t timeout_ms) {
    std::array<Event, 8> events;
    const std::size_t count = network->wait(timeout_ms, events);
    for (std::size_t i = 0; i < count; ++i) {
      streamed += as_text(events[i].bytes);
      if (events[i].readable) ++readable;
      if (events[i].hangup) ++hangups;
    }
  }
  // Until so much has been streamed.
  void wait_for(std::size_t size) {
    while (streamed.size() < size) wait(kPatienceMs);
  }

  std::unique_ptr<Network> network;
  std::unique_ptr<Network> peers = make_network().value();
  std::vector<Handle> opened_peers;
  Handle listener = Handle::none;
  Endpoint at;
  std::string streamed;
  int readable = 0;
  int hangups = 0;
};

TEST_F(UringNetworkTest, BringsTheBytes) {
  Handle peer;
  const Handle socket = join(&peer);
  ASSERT_TRUE(network->watch(socket, kStreamed, 7).has_value());
  say(peer, "one");
  wait_for(3);
  say(peer, "two");
  wait_for(6);
  EXPECT_EQ(streamed, "onetwo");
  EXPECT_EQ(readable, 0);
  leave(peer);
  while (readable == 0) wait(kPatienceMs);
  std::array<std::uint8_t, 8> room;
  EXPECT_EQ(network->read(socket, room).status, IoStatus::closed);
  network->close(socket);
}

TEST_F(UringNetworkTest, TellsAReset) {
  Handle peer;
  const Handle socket = join(&peer);
  ASSERT_TRUE(network->watch(socket, kStreamed, 7).has_value());
  wait(0);
  const ByteView unread = as_bytes("unread by the peer");
  ASSERT_EQ(network->write(socket, {&unread, 1}).status, IoStatus::ok);
  leave(peer);
  while (readable == 0) wait(kPatienceMs);
  std::array<std::uint8_t, 8> room;
  const IoOutcome outcome = network->read(socket, room);
  EXPECT_EQ(outcome.status, IoStatus::failed);
  EXPECT_EQ(outcome.system_code, ECONNRESET);
  network->close(socket);
}

TEST_F(UringNetworkTest, CarriesMoreThanAllBuffersHold) {
  Handle peer;
  const Handle socket = join(&peer);
  ASSERT_TRUE(network->watch(socket, kStreamed, 7).has_value());
  std::string text(8 << 20, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 31 + i / 65'521);
  std::string_view unsent = text;
  while (streamed.size() < text.size()) {
    while (!unsent.empty()) {
      const ByteView view = as_bytes(unsent);
      const IoOutcome outcome = peers->write(peer, {&view, 1});
      if (outcome.status != IoStatus::ok) break;
      unsent.remove_prefix(outcome.bytes);
    }
    wait(unsent.empty() ? kPatienceMs : 0);
  }
  EXPECT_TRUE(streamed == text);
  network->close(socket);
}

TEST_F(UringNetworkTest, HoldsBackInOrder) {
  Handle peer;
  const Handle socket = join(&peer);
  ASSERT_TRUE(network->watch(socket, kStreamed, 7).has_value());
  say(peer, "a");
  wait_for(1);
  // These come while the request is still in the kernel, the next ones when it is not.
  say(peer, "b");
  network->change(socket, {.stream = true}, 7);
  wait(0);
  wait(0);
  say(peer, "c");
  wait(0);
  EXPECT_EQ(streamed, "a");
  EXPECT_EQ(readable, 0);
  network->change(socket, kStreamed, 7);
  std::array<std::uint8_t, 8> room;
  while (streamed.size() < 3) {
    const int before = readable;
    wait(kPatienceMs);
    if (readable == before) continue;
    const IoOutcome outcome = network->read(socket, room);
    ASSERT_EQ(outcome.status, IoStatus::ok);
    streamed += as_text(ByteView(room).first(outcome.bytes));
  }
  say(peer, "d");
  wait_for(4);
  EXPECT_EQ(streamed, "abcd");
  network->close(socket);
}

TEST_F(UringNetworkTest, TellsADeadSocketThatNobodyReads) {
  Handle peer;
  const Handle socket = join(&peer);
  ASSERT_TRUE(network->watch(socket, kStreamed, 7).has_value());
  wait(0);
  network->change(socket, {.stream = true}, 7);
  wait(0);
  wait(0);
  const ByteView unread = as_bytes("unread by the peer");
  ASSERT_EQ(network->write(socket, {&unread, 1}).status, IoStatus::ok);
  leave(peer);
  while (hangups == 0) wait(kPatienceMs);
  network->close(socket);
}

TEST_F(UringNetworkTest, TellsADescriptorsUsersApart) {
  Handle first_peer;
  const Handle first = join(&first_peer);
  const Handle second_peer = knock();  // before a descriptor falls free that it might take
  ASSERT_TRUE(network->watch(first, kStreamed, 7).has_value());
  wait(0);
  say(first_peer, "to the first");
  network->close(first);
  const Handle second = admit();
  ASSERT_EQ(second, first);
  ASSERT_TRUE(network->watch(second, kStreamed, 8).has_value());
  say(second_peer, "to the second");
  wait_for(13);
  EXPECT_EQ(streamed, "to the second");
  network->close(second);
}

TEST_F(UringNetworkTest, ClosedMeansThatThePeerLearnsOfIt) {
  Handle peer;
  const Handle socket = join(&peer);
  ASSERT_TRUE(network->watch(socket, kStreamed, 7).has_value());
  wait(0);
  network->close(socket);
  std::array<std::uint8_t, 8> room;
  while (peers->read(peer, room).status == IoStatus::would_block) wait(1);
  EXPECT_EQ(peers->read(peer, room).status, IoStatus::closed);
}

}  // namespace
}  // namespace martlet::env::posix
