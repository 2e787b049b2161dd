// Holds back what must not leave before the log is durable, in order [MQTT-4.6.0-2].
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/byte_chain.h"
#include "base/ring_queue.h"
#include "base/ticket.h"
#include "wire/encode.h"

namespace martlet::session {

// An acknowledgement on its way out. Without a ticket there is none.
class Acknowledgement {
 public:
  Acknowledgement(Ticket ticket, wire::Packet packet) : ticket_(ticket), packet_(std::move(packet)) {}
  Ticket ticket() const { return ticket_; }
  const wire::Packet& packet() const { return packet_; }

 private:
  Ticket ticket_;
  wire::Packet packet_;
};

class Gate {
 public:
  // Writes the acknowledgement to `out` if its ticket is resolved and nothing waits before it: true; else keeps its
  // bytes. `ends_exchange` marks the last word on a message of the peer's, for open_to().
  bool pass(const Acknowledgement& acknowledgement, wire::ProtocolVersion version, ByteChain& out,
            bool ends_exchange = false);
  // The same for a packet that write(ByteChain&) encodes.
  template <class Write>
  bool pass(Ticket ticket, ByteChain& out, bool ends_exchange, Write&& write) {
    if (!holds_any() && ticket.resolved(durable_position_)) {
      write(out);
      return true;
    }
    if (!waiting_) waiting_ = std::make_unique<Waiting>();
    const std::size_t before = waiting_->bytes.size();
    write(waiting_->bytes);
    hold(ticket, waiting_->bytes.size() - before, ends_exchange);
    return false;
  }
  // Everything up to `position` is durable: writes what may leave now. Returns how many of it were marked.
  std::uint32_t open_to(std::uint64_t position, ByteChain& out);
  // Memory of what is held.
  std::size_t held_bytes() const {
    return waiting_ ? waiting_->bytes.size() + waiting_->held.size() * sizeof(Held) : 0;
  }
  bool holds_any() const { return waiting_ && !waiting_->held.empty(); }
  std::uint64_t durable_position() const { return durable_position_; }

 private:
  // Neighbours that wait for the same ticket.
  struct Held {
    Ticket ticket = Ticket::done();
    std::size_t bytes = 0;
    std::uint32_t ended = 0;  // exchanges of the peer's
  };
  struct Waiting {
    RingQueue<Held> held;
    ByteChain bytes;  // of all that is held, in order
  };
  void hold(Ticket ticket, std::size_t bytes, bool ends_exchange);

  std::unique_ptr<Waiting> waiting_;  // from the first time that anything had to wait
  std::uint64_t durable_position_ = 0;
};

}  // namespace martlet::session
