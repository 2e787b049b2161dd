#include "topic/handle_set.h"

#include <utility>

namespace martlet::topic {

namespace {

constexpr std::uint32_t kMinSlots = 4;

}  // namespace

// Where the handle is, or the free slot at which the search for it ends.
std::uint32_t HandleSet::find(Handle handle) const {
  std::uint32_t at = home_of(handle);
  while (slots_[at] != 0 && slots_[at] != handle) at = (at + 1) & (slot_count_ - 1);
  return at;
}

void HandleSet::resize(std::uint32_t slot_count) {
  const std::unique_ptr<Handle[]> old = std::exchange(slots_, std::make_unique<Handle[]>(slot_count));
  const std::uint32_t old_count = std::exchange(slot_count_, slot_count);
  for (std::uint32_t i = 0; i < old_count; ++i) {
    if (old[i] != 0) slots_[find(old[i])] = old[i];
  }
}

bool HandleSet::insert(Handle handle) {
  if (contains(handle)) return false;
  if ((size_ + 1) * std::uint64_t{4} > slot_count_ * std::uint64_t{3}) {
    resize(slot_count_ == 0 ? kMinSlots : slot_count_ * 2);
  }
  slots_[find(handle)] = handle;
  ++size_;
  return true;
}

bool HandleSet::erase(Handle handle) {
  if (!contains(handle)) return false;
  const std::uint32_t mask = slot_count_ - 1;
  std::uint32_t hole = find(handle);
  // Entries behind the hole move up unless that would put them before their own place.
  for (std::uint32_t at = (hole + 1) & mask; slots_[at] != 0; at = (at + 1) & mask) {
    if (((at - home_of(slots_[at])) & mask) < ((at - hole) & mask)) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole] = 0;
  --size_;
  if (size_ == 0) {
    slots_.reset();
    slot_count_ = 0;
  } else if (slot_count_ > kMinSlots && size_ < slot_count_ / 8) {
    resize(slot_count_ / 4);
  }
  return true;
}

}  // namespace martlet::topic
