#include "session/gate.h"

namespace martlet::session {

void Gate::pass(const Acknowledgement& acknowledgement, wire::ProtocolVersion version, ByteChain& out) {
  if (held_.empty() && acknowledgement.ticket().resolved(durable_position_)) {
    return wire::encode(acknowledgement.packet(), version, out);
  }
  ByteChain bytes;
  wire::encode(acknowledgement.packet(), version, bytes);
  Held held{acknowledgement.ticket(), {}};
  held.bytes.reserve(bytes.size());
  while (!bytes.empty()) {
    ByteView piece;
    bytes.front(&piece, 1);
    held.bytes.insert(held.bytes.end(), piece.begin(), piece.end());
    bytes.consume(piece.size());
  }
  held_.push_back(std::move(held));
}

void Gate::open_to(std::uint64_t position, ByteChain& out) {
  durable_position_ = position;
  while (!held_.empty() && held_.front().ticket.resolved(position)) out.append(held_.pop_front().bytes);
}

}  // namespace martlet::session
