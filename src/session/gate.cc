#include "session/gate.h"

namespace martlet::session {

bool Gate::pass(const Acknowledgement& acknowledgement, wire::ProtocolVersion version, ByteChain& out,
                bool ends_exchange) {
  return pass(acknowledgement.ticket(), out, ends_exchange,
              [&](ByteChain& to) { wire::encode(acknowledgement.packet(), version, to); });
}

void Gate::hold(Ticket ticket, ByteChain& bytes, bool ends_exchange) {
  Held held{ticket, {}, ends_exchange};
  held.bytes.reserve(bytes.size());
  while (!bytes.empty()) {
    ByteView piece;
    bytes.front(&piece, 1);
    held.bytes.insert(held.bytes.end(), piece.begin(), piece.end());
    bytes.consume(piece.size());
  }
  held_bytes_ += sizeof(Held) + held.bytes.size();
  held_.push_back(std::move(held));
}

std::uint32_t Gate::open_to(std::uint64_t position, ByteChain& out) {
  durable_position_ = position;
  std::uint32_t ended = 0;
  while (!held_.empty() && held_.front().ticket.resolved(position)) {
    const Held held = held_.pop_front();
    held_bytes_ -= sizeof(Held) + held.bytes.size();
    out.append(held.bytes);
    if (held.ends_exchange) ++ended;
  }
  return ended;
}

}  // namespace martlet::session
