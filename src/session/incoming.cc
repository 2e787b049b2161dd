#include "session/incoming.h"

#include <algorithm>

namespace martlet::session {
namespace {

auto position_of(std::vector<Incoming::Entry>& entries, std::uint16_t packet_id) {
  return std::lower_bound(entries.begin(), entries.end(), packet_id,
                          [](const Incoming::Entry& entry, std::uint16_t id) { return entry.packet_id < id; });
}

}  // namespace

Incoming::Entry* Incoming::find(std::uint16_t packet_id) {
  const auto at = position_of(entries_, packet_id);
  return at != entries_.end() && at->packet_id == packet_id ? &*at : nullptr;
}

void Incoming::begin(std::uint16_t packet_id, Ticket stored) {
  entries_.insert(position_of(entries_, packet_id), Entry{packet_id, true, stored});
}

bool Incoming::release(std::uint16_t packet_id) {
  const auto at = position_of(entries_, packet_id);
  if (at == entries_.end() || at->packet_id != packet_id) return false;
  entries_.erase(at);
  return true;
}

void Incoming::restart() {
  for (Entry& entry : entries_) entry.in_window = false;
}

}  // namespace martlet::session
