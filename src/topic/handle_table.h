// Open-addressing hash table of handles: eight bytes a slot, linear probing, deletion without tombstones. The keys live
// in the cells that the handles name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "topic/cell_pool.h"

namespace martlet::topic {

class HandleTable {
 public:
  // The handle with this hash for which `same(handle)` holds, or 0.
  template <class Same>
  Handle find(std::uint32_t hash, Same&& same) const {
    if (slots_.empty()) return 0;
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash & mask; slots_[at].handle != 0; at = (at + 1) & mask) {
      if (slots_[at].hash == hash && same(slots_[at].handle)) return slots_[at].handle;
    }
    return 0;
  }

  // Adds `handle` (not 0), whose key is not in the table yet.
  void insert(std::uint32_t hash, Handle handle);
  // Takes out `handle`, which is in the table under `hash`.
  void erase(std::uint32_t hash, Handle handle);

  // Calls visit(handle) for every handle, in no particular order; the table must not change meanwhile.
  template <class Visitor>
  void for_each(Visitor&& visit) const {
    for (const Slot& slot : slots_) {
      if (slot.handle != 0) visit(slot.handle);
    }
  }

  // What one entry takes right after the table has grown, when it is emptiest.
  static constexpr std::size_t kEntryCostBytes = 22;

  std::size_t size() const { return size_; }
  std::size_t memory_bytes() const { return slots_.capacity() * sizeof(Slot); }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    Handle handle = 0;
  };

  void resize(std::size_t slot_count);
  void place(Slot slot);

  std::vector<Slot> slots_;  // a power of two, at most three quarters full
  std::size_t size_ = 0;
};

}  // namespace martlet::topic
