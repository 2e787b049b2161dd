#include "session/gate.h"

namespace martlet::session {

bool Gate::pass(const Acknowledgement& acknowledgement, wire::ProtocolVersion version, ByteChain& out,
                bool ends_exchange) {
  return pass(acknowledgement.ticket(), out, ends_exchange,
              [&](ByteChain& to) { wire::encode(acknowledgement.packet(), version, to); });
}

void Gate::hold(Ticket ticket, std::size_t bytes, bool ends_exchange) {
  RingQueue<Held>& held = waiting_->held;
  const bool with_last = !held.empty() && held[held.size() - 1].ticket.position() == ticket.position();
  if (!with_last) held.push_back({ticket, 0, 0});
  Held& last = held[held.size() - 1];
  last.bytes += bytes;
  if (ends_exchange) ++last.ended;
}

std::uint32_t Gate::open_to(std::uint64_t position, ByteChain& out) {
  durable_position_ = position;
  std::uint32_t ended = 0;
  while (holds_any() && waiting_->held.front().ticket.resolved(position)) {
    const Held held = waiting_->held.pop_front();
    waiting_->bytes.move_front(held.bytes, out);
    ended += held.ended;
  }
  return ended;
}

}  // namespace martlet::session
