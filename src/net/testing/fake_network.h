// A scripted network for tests: sockets are strings, time moves only while the reactor waits, everything is counted.
#pragma once

#include <algorithm>
#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "env/clock.h"
#include "env/network.h"

namespace martlet::net::testing {

class FakeClock final : public env::Clock {
 public:
  Now now() override { return now_; }
  void advance(std::int64_t ms) {
    now_.mono_ms += ms;
    now_.wall_ms += ms;
  }

 private:
  Now now_{1'000, 1'700'000'000'000};
};

struct FakeSocket {
  bool listener = false;
  bool connected = true;
  int connect_result = 0;
  std::string incoming;  // what the peer has sent
  bool peer_ended = false;
  int read_error = 0;
  std::string written;  // what the peer has got
  std::size_t write_room = std::size_t{1} << 40;
  int write_error = 0;
  std::size_t writes = 0;
  bool write_shut = false;
  bool watched = false;
  env::Interest interest;
  std::uint64_t token = 0;
};

class FakeNetwork final : public env::Network {
 public:
  explicit FakeNetwork(FakeClock& clock) : clock_(clock) {}

  // Script
  std::size_t waiting = 0;                  // connections at the door
  std::size_t descriptors = 1'000'000'000;  // how many more may be opened
  bool has_reserve = true;
  std::vector<env::Endpoint> addresses;  // what resolve() finds; empty: the endpoint itself
  std::map<std::string, int> connect_results;
  // Counters
  std::size_t waits = 0;
  std::size_t accepts = 0;
  std::size_t written_bytes = 0;  // to all sockets, those that are closed too
  std::size_t sheds = 0;
  std::size_t changes = 0;
  std::int64_t last_timeout_ms = 0;

  FakeSocket& socket(env::Handle handle) { return sockets_.at(handle); }
  bool is_open(env::Handle handle) const { return sockets_.contains(handle); }
  std::size_t open_sockets() const { return sockets_.size(); }
  env::Handle newest() const { return env::Handle{next_ - 1}; }

  Result<std::vector<env::Endpoint>> resolve(const env::Endpoint& endpoint) override {
    if (addresses.empty()) return std::vector{endpoint};
    return addresses;
  }
  Result<env::Handle> listen(const env::Endpoint&, const env::ListenOptions&) override {
    const env::Handle handle = open();
    socket(handle).listener = true;
    return handle;
  }
  Result<env::Endpoint> local_endpoint(env::Handle) override { return env::Endpoint{"192.0.2.1", 1883}; }
  env::Accepted accept(env::Handle) override {
    ++accepts;
    if (descriptors == 0) return {env::AcceptStatus::out_of_descriptors, env::Handle::none, {}, EMFILE};
    if (waiting == 0) return {};
    --waiting;
    return {env::AcceptStatus::accepted, open(), "192.0.2.9:50000", 0};
  }
  bool shed(env::Handle) override {
    if (!has_reserve || waiting == 0) return false;
    ++sheds;
    --waiting;
    return true;
  }
  Result<env::Handle> connect(const env::Endpoint& endpoint) override {
    const env::Handle handle = open();
    socket(handle).connected = false;
    if (const auto found = connect_results.find(endpoint.host); found != connect_results.end()) {
      socket(handle).connect_result = found->second;
    }
    return handle;
  }
  int connect_error(env::Handle handle) override {
    FakeSocket& it = socket(handle);
    it.connected = it.connect_result == 0;
    return it.connect_result;
  }
  env::IoOutcome read(env::Handle handle, std::span<std::uint8_t> room) override {
    FakeSocket& it = socket(handle);
    const std::size_t count = std::min(room.size(), it.incoming.size());
    if (count > 0) {
      copy_bytes(room.data(), as_bytes(it.incoming).first(count));
      it.incoming.erase(0, count);
      return {env::IoStatus::ok, count, 0};
    }
    if (it.read_error != 0) return {env::IoStatus::failed, 0, it.read_error};
    return {it.peer_ended ? env::IoStatus::closed : env::IoStatus::would_block, 0, 0};
  }
  env::IoOutcome write(env::Handle handle, std::span<const ByteView> views) override {
    FakeSocket& it = socket(handle);
    ++it.writes;
    if (it.write_error != 0) return {env::IoStatus::failed, 0, it.write_error};
    std::size_t taken = 0;
    for (const ByteView view : views) {
      const std::size_t count = std::min(view.size(), it.write_room);
      it.written.append(as_text(view.first(count)));
      it.write_room -= count;
      written_bytes += count;
      taken += count;
    }
    return {taken > 0 ? env::IoStatus::ok : env::IoStatus::would_block, taken, 0};
  }
  void shutdown_write(env::Handle handle) override { socket(handle).write_shut = true; }
  void close(env::Handle handle) override {
    sockets_.erase(handle);
    ++descriptors;
  }
  Result<void> watch(env::Handle handle, env::Interest interest, std::uint64_t token) override {
    FakeSocket& it = socket(handle);
    it.watched = true;
    it.interest = interest;
    it.token = token;
    return {};
  }
  void change(env::Handle handle, env::Interest interest, std::uint64_t token) override {
    ++changes;
    (void)watch(handle, interest, token);
  }
  void unwatch(env::Handle handle) override { socket(handle).watched = false; }
  std::size_t wait(std::int64_t timeout_ms, std::span<env::Event> events) override {
    ++waits;
    last_timeout_ms = timeout_ms;
    std::size_t count = 0;
    for (auto& [handle, it] : sockets_) {
      if (!it.watched || count == events.size()) continue;
      const bool readable = it.listener ? waiting > 0 : !it.incoming.empty() || it.peer_ended || it.read_error != 0;
      const env::Event event{it.token, readable && it.interest.read,
                             it.interest.write && (!it.connected || it.write_room > 0), it.read_error != 0};
      if (event.readable || event.writable || event.hangup) events[count++] = event;
    }
    if (count == 0 && timeout_ms > 0) clock_.advance(timeout_ms);
    return count;
  }
  void wake() override {}

 private:
  env::Handle open() {
    --descriptors;
    const env::Handle handle{next_++};
    sockets_[handle] = FakeSocket();
    return handle;
  }

  FakeClock& clock_;
  std::map<env::Handle, FakeSocket> sockets_;
  int next_ = 10;
};

}  // namespace martlet::net::testing
