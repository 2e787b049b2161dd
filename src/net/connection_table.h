// The reactor's connections by slot. Addresses stay put while the table grows; a freed slot is used again first.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/byte_chain.h"
#include "base/time.h"
#include "env/network.h"
#include "net/connection_id.h"
#include "net/layer_stack.h"

namespace martlet::net {

enum class ConnectionState : std::uint8_t {
  free,
  connecting,
  open,
  finishing,  // no longer the owner's: sends the outbox, then ends the stream
  draining,   // our end is sent: reads and drops what still comes until the peer's end
};

struct Connection {
  ByteChain outbox;
  std::unique_ptr<LayerStack> layers;  // none of a plain connection
  // Of the connection attempt, of finishing and draining, or of reading on after writing failed.
  DeadlineMs deadline = kNever;
  env::Handle handle = env::Handle::none;
  std::uint32_t generation = 1;
  int write_error = 0;  // errno once writing is over: the rest is read before the owner is told
  ConnectionState state = ConnectionState::free;
  env::Interest armed;          // what the poller was told
  bool reading_paused = false;  // by the owner
  bool sent = false;            // of the owner's bytes some have left, or gone into the layers
  bool peer_ended = false;      // the peer sends no more
  bool dirty = false;           // is in the list of the next flush
  bool write_blocked = false;   // the kernel refused bytes: wait until writable
  bool above_high = false;      // drained() is owed
};

class ConnectionTable {
 public:
  // Takes a free slot; the caller sets handle and state.
  ConnectionId add();
  // Frees the slot and its memory; its ids turn stale.
  void remove(ConnectionId id);

  // The connection in any state but free, or nullptr for a stale id. O(1).
  Connection* find(ConnectionId id);
  // The connection in a slot below slots(), free or not.
  Connection& at(std::uint32_t slot) { return (*pages_[slot / kPageSlots])[slot % kPageSlots]; }

  std::uint32_t slots() const { return slots_; }
  std::size_t size() const { return slots_ - free_.size(); }

 private:
  static constexpr std::uint32_t kPageSlots = 256;
  using Page = std::array<Connection, kPageSlots>;

  std::vector<std::unique_ptr<Page>> pages_;
  std::vector<std::uint32_t> free_;
  std::uint32_t slots_ = 0;
};

}  // namespace martlet::net
