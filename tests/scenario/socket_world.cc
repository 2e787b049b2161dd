// The broker's core loop behind real sockets on the loopback, and clients with sockets of their own, all on this
// thread.
#include <fmt/format.h>

#include <array>
#include <stdexcept>
#include <utility>
#include <vector>

#include "env/posix/system.h"
#include "server/core_loop.h"
#include "tests/scenario/world.h"

namespace martlet::scenario {
namespace {

class ManualClock : public env::Clock {
 public:
  explicit ManualClock(const Now& start) : now_(start) {}
  Now now() override { return now_; }
  const Now& get() const { return now_; }
  void advance_to(std::int64_t mono_ms) {
    now_.wall_ms += mono_ms - now_.mono_ms;
    now_.mono_ms = mono_ms;
  }

 private:
  Now now_;
};

std::unique_ptr<env::Network> network() {
  auto made = env::posix::make_network();
  if (!made) throw std::runtime_error(made.error().message);
  return std::move(*made);
}

struct Peer {
  env::Handle handle = env::Handle::none;
  std::string received;
  std::string unsent;
  bool reads = true;
  bool closed = false;  // by the broker
};

class SocketWorld : public World {
 public:
  explicit SocketWorld(const broker::BrokerOptions& options)
      : clock_(kStart),
        server_network_(network()),
        client_network_(network()),
        loop_(options, {}, {*server_network_, clock_, records_, authenticator_, authorizer_, log_}) {
    const auto bound = loop_.listen({"127.0.0.1", 0}, {.name = "test"});
    if (!bound) throw std::runtime_error(bound.error().message);
    address_ = *bound;
  }

  ~SocketWorld() override {
    for (Peer& peer : peers_) drop(peer);
  }

  void open(std::size_t client) override {
    if (peers_.size() <= client) peers_.resize(client + 1);
    drop(peers_[client]);
    peers_[client] = Peer();
    const auto handle = client_network_->connect(address_);
    if (!handle) throw std::runtime_error(handle.error().message);
    peers_[client].handle = *handle;
    ++opened_;
    settle();
  }

  void send(std::size_t client, std::string_view bytes) override {
    peer_of(client).unsent += bytes;
    settle();
  }

  void cut(std::size_t client) override {
    drop(peer_of(client));
    settle();
  }

  void read(std::size_t client, bool reads) override {
    peer_of(client).reads = reads;
    settle();
  }

  std::string take_received(std::size_t client) override { return std::exchange(peer_of(client).received, {}); }
  bool closed(std::size_t client) override { return peer_of(client).closed; }

  void advance(std::int64_t ms) override {
    const std::int64_t end_ms = clock_.get().mono_ms + ms;
    while (clock_.get().mono_ms < end_ms) {
      const std::int64_t next_ms = std::min(loop_.broker().next_deadline(), end_ms);
      clock_.advance_to(std::max(next_ms, clock_.get().mono_ms));
      settle();
    }
  }

  void durable(std::uint64_t position) override {
    loop_.broker().durable(position, clock_.get());
    settle();
  }

  void shut_down() override {
    loop_.request_stop();
    settle();
  }

  broker::Broker& broker() override { return loop_.broker(); }
  const Now& now() const override { return clock_.get(); }

 private:
  Peer& peer_of(std::size_t client) {
    if (client >= peers_.size()) throw std::logic_error("client is not open");
    return peers_[client];
  }

  void drop(Peer& peer) {
    if (peer.handle != env::Handle::none) client_network_->close(peer.handle);
    peer.handle = env::Handle::none;
  }

  // Moves what can be moved to and from one client's socket; true if anything was.
  bool exchange_bytes(Peer& peer) {
    bool moved = false;
    if (peer.handle == env::Handle::none) return false;
    while (!peer.unsent.empty()) {
      const ByteView view = as_bytes(peer.unsent);
      const env::IoOutcome outcome = client_network_->write(peer.handle, {&view, 1});
      if (outcome.status == env::IoStatus::failed) peer.unsent.clear();
      if (outcome.status != env::IoStatus::ok) break;
      sent_bytes_ += outcome.bytes;
      peer.unsent.erase(0, outcome.bytes);
      moved = true;
    }
    while (peer.reads) {
      const env::IoOutcome outcome = client_network_->read(peer.handle, room_);
      if (outcome.status == env::IoStatus::would_block) break;
      moved = true;
      if (outcome.status != env::IoStatus::ok) {
        peer.closed = true;
        drop(peer);
        break;
      }
      received_bytes_ += outcome.bytes;
      peer.received.append(reinterpret_cast<const char*>(room_.data()), outcome.bytes);
    }
    return moved;
  }

  // Nothing is under way in the kernel: what was opened, sent and closed has arrived on the other side.
  bool all_arrived() {
    const net::ReactorStats& stats = loop_.reactor().stats();
    std::size_t open = 0;
    for (const Peer& peer : peers_) {
      if (peer.handle != env::Handle::none) ++open;
      if (!peer.unsent.empty()) return false;
    }
    return stats.accepted == opened_ && stats.bytes_in + lost_in_ == sent_bytes_ &&
           stats.bytes_out == received_bytes_ + lost_out_ && loop_.reactor().connection_count() == open;
  }

  // Turns the loop and the clients until all has arrived. Bytes sent to somebody who does not read, or to a closed
  // connection, never arrive: they are given up after the loopback has been quiet for a while.
  void settle() {
    constexpr int kQuietRounds = 100;
    int quiet = 0;
    for (;;) {
      loop_.turn(clock_.get().mono_ms);
      bool moved = false;
      for (Peer& peer : peers_) moved |= exchange_bytes(peer);
      if (moved) quiet = 0;
      if (!moved && all_arrived() && quiet > 0) break;
      if (moved || quiet++ == 0) continue;
      if (quiet > kQuietRounds) break;
      std::array<env::Event, 1> events;
      client_network_->wait(1, events);
    }
    const net::ReactorStats& stats = loop_.reactor().stats();
    lost_in_ = sent_bytes_ - stats.bytes_in;
    lost_out_ = stats.bytes_out - received_bytes_;
  }

  ManualClock clock_;
  std::unique_ptr<env::Network> server_network_;
  std::unique_ptr<env::Network> client_network_;
  server::CoreLoop loop_;
  env::Endpoint address_;
  std::vector<Peer> peers_;
  std::array<std::uint8_t, 65536> room_{};
  std::uint64_t opened_ = 0;
  std::uint64_t sent_bytes_ = 0;
  std::uint64_t received_bytes_ = 0;
  std::uint64_t lost_in_ = 0;   // sent, never read by the broker (modulo 2^64)
  std::uint64_t lost_out_ = 0;  // written by the broker, not read by its client
};

}  // namespace

std::unique_ptr<World> make_socket_world(const broker::BrokerOptions& options) {
  return std::make_unique<SocketWorld>(options);
}

}  // namespace martlet::scenario
