// A reactor on real loopback sockets for tests, and plain peers for it to talk to. Nothing sleeps: loops end when what
// they wait for has happened, or fail when nothing at all happens for very long.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "env/posix/system.h"
#include "env/testing/pollings.h"
#include "net/reactor.h"
#include "net/testing/recording_handler.h"

namespace martlet::net::testing {

// TEST_P; INSTANTIATE_TEST_SUITE_P(With, NAME, ValuesIn(env::testing::pollings()), env::testing::polling_name).
class Loopback : public ::testing::TestWithParam<env::posix::Polling> {
 protected:
  static constexpr std::int64_t kPatienceMs = 30'000;

  Loopback() { build({}); }
  ~Loopback() override {
    for (const env::Handle peer : present) peers->close(peer);
  }

  void build(const ReactorOptions& options) {
    reactor.reset();
    reactor = std::make_unique<Reactor>(*network, *clock, handler, options);
    listener = reactor->listen({"127.0.0.1", 0}).value();
    at = reactor->local_endpoint(listener).value();
  }

  // Turns the reactor until `done`. Fails after kPatienceMs without an event.
  ::testing::AssertionResult until(const std::function<bool()>& done) {
    DeadlineMs give_up = clock->now().mono_ms + kPatienceMs;
    while (!done()) {
      if (reactor->turn(clock->now().mono_ms + 10)) give_up = clock->now().mono_ms + kPatienceMs;
      if (clock->now().mono_ms >= give_up) return ::testing::AssertionFailure() << "nothing happens";
    }
    return ::testing::AssertionSuccess();
  }

  // A peer that connects but is not accepted yet.
  env::Handle knock() {
    const env::Handle peer = peers->connect(at).value();
    present.push_back(peer);
    return peer;
  }
  // Closes a peer; whoever is left at the test's end goes too.
  void leave(env::Handle peer) {
    std::erase(present, peer);
    peers->close(peer);
  }
  // A peer and its accepted connection.
  ConnectionId join(env::Handle* peer) {
    const std::size_t before = handler.accepted_ids.size();
    *peer = knock();
    EXPECT_TRUE(until([&] { return handler.accepted_ids.size() > before; }));
    return handler.accepted_ids.back();
  }

  // Writes as much of `text` as the kernel takes now; returns the rest.
  std::string_view push(env::Handle peer, std::string_view text) {
    while (!text.empty()) {
      const ByteView view = as_bytes(text);
      const env::IoOutcome outcome = peers->write(peer, {&view, 1});
      if (outcome.status != env::IoStatus::ok) break;
      text.remove_prefix(outcome.bytes);
    }
    return text;
  }
  // Adds what has arrived to `text`; returns how reading ended.
  env::IoOutcome pull(env::Handle peer, std::string* text) {
    std::array<std::uint8_t, 65536> room;
    for (;;) {
      const env::IoOutcome outcome = peers->read(peer, room);
      if (outcome.status != env::IoStatus::ok) return outcome;
      text->append(as_text(ByteView(room).first(outcome.bytes)));
    }
  }

  void send(ConnectionId id, std::string_view text) {
    reactor->outbox(id).append(as_bytes(text));
    reactor->touch(id);
  }

  std::unique_ptr<env::Clock> clock = env::posix::make_clock();
  std::unique_ptr<env::Network> network = env::posix::make_network(GetParam()).value();
  std::unique_ptr<env::Network> peers = env::posix::make_network().value();
  std::vector<env::Handle> present;
  RecordingHandler handler;
  std::unique_ptr<Reactor> reactor;
  ListenerId listener;
  env::Endpoint at;
};

}  // namespace martlet::net::testing
