// The broker alone: its transport is a pair of buffers for each connection.
#include <deque>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/scenario/world.h"

namespace martlet::scenario {
namespace {

struct Wire {
  ByteChain outbox;
  std::string to_client;
  std::string to_broker;  // what came while the broker does not read
  std::uint32_t generation = 0;
  bool in_use = false;  // the broker has the connection
  bool client_reads = true;
  bool broker_reads = true;
  bool above_high = false;
  bool closed = false;  // by the broker
};

class MemoryWorld : public World, private broker::Transport {
 public:
  explicit MemoryWorld(const broker::BrokerOptions& options)
      : options_(options), broker_(options, {*this, records_, authenticator_, authorizer_, log_}, now_) {}

  void open(std::size_t client) override {
    if (client_slot_.size() <= client) client_slot_.resize(client + 1, kNoSlot);
    std::uint32_t slot = 0;
    while (slot < wires_.size() && (wires_[slot].in_use || is_clients(slot))) ++slot;
    if (slot == wires_.size()) wires_.emplace_back();
    Wire& wire = wires_[slot];
    const std::uint32_t generation = wire.generation + 1;
    wire = Wire();
    wire.generation = generation;
    wire.in_use = true;
    client_slot_[client] = slot;
    broker_.connection_opened({slot, generation}, {0, "192.0.2.1:" + std::to_string(40000 + client), nullptr}, now_);
    settle();
  }

  void send(std::size_t client, std::string_view bytes) override {
    Wire& wire = wire_of(client);
    wire.to_broker += bytes;
    settle();
  }

  void cut(std::size_t client) override {
    Wire& wire = wire_of(client);
    const std::uint32_t slot = std::exchange(client_slot_[client], kNoSlot);
    if (std::exchange(wire.in_use, false)) {
      broker_.connection_lost({slot, wire.generation}, broker::LostBy::network_error, now_);
    }
    settle();
  }

  void read(std::size_t client, bool reads) override {
    wire_of(client).client_reads = reads;
    settle();
  }

  std::string take_received(std::size_t client) override { return std::exchange(wire_of(client).to_client, {}); }
  bool closed(std::size_t client) override { return wire_of(client).closed; }

  void advance(std::int64_t ms) override {
    const std::int64_t end_ms = now_.mono_ms + ms;
    while (now_.mono_ms < end_ms) {
      const std::int64_t next_ms = std::max(std::min(broker_.next_deadline(), end_ms), now_.mono_ms);
      now_.wall_ms += next_ms - now_.mono_ms;
      now_.mono_ms = next_ms;
      broker_.run_timers(now_);
      settle();
    }
  }

  void durable(std::uint64_t position) override {
    broker_.durable(position, now_);
    settle();
  }

  void shut_down() override {
    broker_.shut_down(now_);
    settle();
  }

  broker::Broker& broker() override { return broker_; }
  const Now& now() const override { return now_; }

 private:
  static constexpr std::uint32_t kNoSlot = 0xFFFF'FFFF;

  // broker::Transport
  ByteChain& outbox(broker::ConnectionId id) override {
    Wire& wire = wires_[id.slot];
    return wire.in_use && wire.generation == id.generation ? wire.outbox : nowhere_;
  }
  void touch(broker::ConnectionId) override {}
  void close(broker::ConnectionId id) override {
    Wire& wire = wires_[id.slot];
    wire.client_reads = true;
    flush(wire);
    wire.in_use = false;
    wire.closed = true;
  }
  void pause_reading(broker::ConnectionId id, bool paused) override { wires_[id.slot].broker_reads = !paused; }
  std::uint64_t bytes_sent() const override { return bytes_sent_; }

  bool is_clients(std::uint32_t slot) const {
    return std::find(client_slot_.begin(), client_slot_.end(), slot) != client_slot_.end();
  }
  Wire& wire_of(std::size_t client) {
    if (client >= client_slot_.size() || client_slot_[client] == kNoSlot) throw std::logic_error("client is not open");
    return wires_[client_slot_[client]];
  }

  // Moves the outbox to the client, if that one reads.
  void flush(Wire& wire) {
    if (wire.outbox.size() >= options_.endpoint.outbox_high_bytes) wire.above_high = true;
    if (!wire.client_reads) return;
    bytes_sent_ += wire.outbox.size();
    while (!wire.outbox.empty()) {
      ByteView piece;
      wire.outbox.front(&piece, 1);
      wire.to_client += as_text(piece);
      wire.outbox.consume(piece.size());
    }
  }

  // Hands over bytes in both directions until nothing moves.
  void settle() {
    for (bool moved = true; moved;) {
      moved = false;
      for (std::uint32_t slot = 0; slot < wires_.size(); ++slot) {
        Wire& wire = wires_[slot];
        if (!wire.in_use) continue;
        if (wire.broker_reads && !wire.to_broker.empty()) {
          const std::string bytes = std::exchange(wire.to_broker, {});
          broker_.bytes_received({slot, wire.generation}, as_bytes(bytes), now_);
          moved = true;
        }
        if (!wire.in_use) continue;
        const std::size_t before = wire.outbox.size();
        flush(wire);
        moved |= wire.outbox.size() != before;
        if (wire.above_high && wire.outbox.empty()) {
          wire.above_high = false;
          broker_.outbox_drained({slot, wire.generation}, now_);
          moved = true;
        }
      }
    }
  }

  const broker::BrokerOptions& options_;
  Now now_ = kStart;
  std::deque<Wire> wires_;
  std::vector<std::uint32_t> client_slot_;
  ByteChain nowhere_;
  std::uint64_t bytes_sent_ = 0;
  broker::Broker broker_;  // last: it ends before what it uses
};

}  // namespace

std::unique_ptr<World> make_memory_world(const broker::BrokerOptions& options) {
  return std::make_unique<MemoryWorld>(options);
}

}  // namespace martlet::scenario
