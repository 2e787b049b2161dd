#include "topic/handle_table.h"

#include <utility>

namespace martlet::topic {

namespace {

constexpr std::size_t kMinSlots = 16;

}  // namespace

void HandleTable::place(Slot slot) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = slot.hash & mask;
  while (slots_[at].handle != 0) at = (at + 1) & mask;
  slots_[at] = slot;
}

void HandleTable::resize(std::size_t slot_count) {
  std::vector<Slot> old(slot_count);
  std::swap(old, slots_);
  for (const Slot& slot : old) {
    if (slot.handle != 0) place(slot);
  }
}

void HandleTable::insert(std::uint32_t hash, Handle handle) {
  if ((size_ + 1) * 4 > slots_.size() * 3) resize(slots_.empty() ? kMinSlots : slots_.size() * 2);
  place({hash, handle});
  ++size_;
}

void HandleTable::erase(std::uint32_t hash, Handle handle) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t hole = hash & mask;
  while (slots_[hole].handle != handle) hole = (hole + 1) & mask;
  // Entries behind the hole move up unless that would put them before their own place.
  for (std::size_t at = (hole + 1) & mask; slots_[at].handle != 0; at = (at + 1) & mask) {
    const std::size_t home = slots_[at].hash & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole] = {};
  --size_;
  if (slots_.size() > kMinSlots && size_ * 8 < slots_.size()) resize(slots_.size() / 4);
}

}  // namespace martlet::topic
