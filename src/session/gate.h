// Holds back what must not leave before the log is durable, in order [MQTT-4.6.0-2].
#pragma once

#include <cstdint>
#include <vector>

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
  // Writes the acknowledgement to `out` if its ticket is resolved and nothing waits before it; else keeps its bytes.
  void pass(const Acknowledgement& acknowledgement, wire::ProtocolVersion version, ByteChain& out);
  // Everything up to `position` is durable: writes what may leave now.
  void open_to(std::uint64_t position, ByteChain& out);
  bool holds_any() const { return !held_.empty(); }
  std::uint64_t durable_position() const { return durable_position_; }

 private:
  struct Held {
    Ticket ticket = Ticket::done();
    std::vector<std::uint8_t> bytes;
  };
  RingQueue<Held> held_;
  std::uint64_t durable_position_ = 0;
};

}  // namespace martlet::session
