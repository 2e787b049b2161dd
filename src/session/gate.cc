#include "session/gate.h"

namespace martlet::session {

bool Gate::pass(const Acknowledgement& acknowledgement, wire::ProtocolVersion version, ByteChain& out,
                bool ends_exchange) {
  if (held_.empty() && acknowledgement.ticket().resolved(durable_position_)) {
    wire::encode(acknowledgement.packet(), version, out);
    return true;
  }
  ByteChain bytes;
  wire::encode(acknowledgement.packet(), version, bytes);
  Held held{acknowledgement.ticket(), {}, ends_exchange};
  held.bytes.reserve(bytes.size());
  while (!bytes.empty()) {
    ByteView piece;
    bytes.front(&piece, 1);
    held.bytes.insert(held.bytes.end(), piece.begin(), piece.end());
    bytes.consume(piece.size());
  }
  held_bytes_ += sizeof(Held) + held.bytes.size();
  held_.push_back(std::move(held));
  return false;
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
