#include "session/gate.h"

namespace martlet::session {

bool Gate::pass(const Acknowledgement& acknowledgement, wire::ProtocolVersion version, ByteChain& out,
                bool ends_exchange) {
  return pass(acknowledgement.ticket(), out, ends_exchange,
              [&](ByteChain& to) { wire::encode(acknowledgement.packet(), version, to); });
}

void Gate::hold(Ticket ticket, std::size_t bytes, bool ends_exchange) {
  const bool with_last = !held_.empty() && held_[held_.size() - 1].ticket.position() == ticket.position();
  if (!with_last) held_.push_back({ticket, 0, 0});
  Held& held = held_[held_.size() - 1];
  held.bytes += bytes;
  if (ends_exchange) ++held.ended;
}

std::uint32_t Gate::open_to(std::uint64_t position, ByteChain& out) {
  durable_position_ = position;
  std::uint32_t ended = 0;
  while (!held_.empty() && held_.front().ticket.resolved(position)) {
    const Held held = held_.pop_front();
    bytes_.move_front(held.bytes, out);
    ended += held.ended;
  }
  return ended;
}

}  // namespace martlet::session
