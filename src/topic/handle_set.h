// A set of handles: four bytes a slot, open addressing. For many small sets: an empty one is one pointer and two
// numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "topic/cell_pool.h"

namespace martlet::topic {

class HandleSet {
 public:
  // False if `handle` (not 0) is in already.
  bool insert(Handle handle);
  // False if it is not in.
  bool erase(Handle handle);
  bool contains(Handle handle) const { return handle != 0 && slot_count_ != 0 && slots_[find(handle)] == handle; }

  // Calls visit(handle) for each; the set must not change meanwhile. The order follows from the handles and from what
  // was inserted and erased when, nothing else.
  template <class Visitor>
  void for_each(Visitor&& visit) const {
    for (std::uint32_t i = 0; i < slot_count_; ++i) {
      if (slots_[i] != 0) visit(slots_[i]);
    }
  }

  std::size_t size() const { return size_; }
  std::size_t memory_bytes() const { return slot_count_ * sizeof(Handle); }

 private:
  // Neighbours in a pool come at equal distances, hence the multiplication.
  std::uint32_t home_of(Handle handle) const {
    return static_cast<std::uint32_t>((std::uint64_t{handle * 0x9E3779B1u} * slot_count_) >> 32);
  }
  std::uint32_t find(Handle handle) const;
  void resize(std::uint32_t slot_count);

  std::unique_ptr<Handle[]> slots_;  // 0: free
  std::uint32_t slot_count_ = 0;     // a power of two, or 0; at most three quarters are in use
  std::uint32_t size_ = 0;
};

}  // namespace martlet::topic
