#include "net/connection_table.h"

#include "base/check.h"

namespace martlet::net {
namespace {

// Two bits less than 32, so that an id and a kind fit one poller token.
constexpr std::uint32_t kGenerationMask = (1u << 30) - 1;

}  // namespace

ConnectionId ConnectionTable::add() {
  std::uint32_t slot = slots_;
  if (!free_.empty()) {
    slot = free_.back();
    free_.pop_back();
  } else {
    if (slots_ % kPageSlots == 0) pages_.push_back(std::make_unique<Page>());
    ++slots_;
  }
  return {slot, at(slot).generation};
}

void ConnectionTable::remove(ConnectionId id) {
  Connection* connection = find(id);
  check(connection != nullptr, "only a used slot is freed");
  const std::uint32_t next = (connection->generation + 1) & kGenerationMask;
  *connection = Connection();
  connection->generation = next == 0 ? 1 : next;
  free_.push_back(id.slot);
}

Connection* ConnectionTable::find(ConnectionId id) {
  if (id.slot >= slots_) return nullptr;
  Connection& connection = at(id.slot);
  const bool alive = connection.generation == id.generation && connection.state != ConnectionState::free;
  return alive ? &connection : nullptr;
}

}  // namespace martlet::net
