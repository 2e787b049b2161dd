#include "topic/shared_hash_set.h"

#include <utility>

namespace martlet::topic {

namespace {

constexpr std::size_t kMinSlots = 64;
constexpr std::size_t kSlotsPerWord = 4;

}  // namespace

std::size_t SharedHashSet::home_of(std::uint64_t key) const {
  return word_of(key, own_->words.size()) * kSlotsPerWord;
}

// Where the key is, or the free slot at which the search for it ends.
std::size_t SharedHashSet::find(std::uint64_t key) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = home_of(key);
  while (slots_[at] != 0 && slots_[at] >> kCountBits != key) at = (at + 1) & mask;
  return at;
}

void SharedHashSet::add(std::uint64_t hash) {
  if ((size_ + 1) * 4 > slots_.size() * 3) grow();
  const std::uint64_t key = hash >> kCountBits;
  std::uint64_t& slot = slots_[find(key)];
  if (slot != 0) {
    if ((slot & kMostCounted) != kMostCounted) ++slot;
    return;
  }
  slot = key << kCountBits | 1;
  ++size_;
  word(key).store(word(key).load(std::memory_order_relaxed) | pattern(key), std::memory_order_release);
}

void SharedHashSet::remove(std::uint64_t hash) {
  if (size_ == 0) return;
  const std::uint64_t key = hash >> kCountBits;
  const std::size_t at = find(key);
  const std::uint64_t count = slots_[at] & kMostCounted;
  if (count == 0 || count == kMostCounted) return;
  if (--slots_[at]; count != 1) return;
  erase_slot(at);
  --size_;
  // The word is what the others leave of it. They all lie between their home and the next free slot.
  const std::size_t mask = slots_.size() - 1;
  std::uint64_t bits = 0;
  for (std::size_t i = home_of(key); slots_[i] != 0; i = (i + 1) & mask) {
    const std::uint64_t other = slots_[i] >> kCountBits;
    if (&word(other) == &word(key)) bits |= pattern(other);
  }
  word(key).store(bits, std::memory_order_release);
}

void SharedHashSet::erase_slot(std::size_t hole) {
  const std::size_t mask = slots_.size() - 1;
  // Entries behind the hole move up unless that would put them before their own place.
  for (std::size_t at = (hole + 1) & mask; slots_[at] != 0; at = (at + 1) & mask) {
    if (((at - home_of(slots_[at] >> kCountBits)) & mask) < ((at - hole) & mask)) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole] = 0;
}

void SharedHashSet::grow() {
  const std::vector<std::uint64_t> old = std::exchange(slots_, std::vector<std::uint64_t>());
  slots_.resize(old.empty() ? kMinSlots : old.size() * 2);
  if (own_) outgrown_.push_back(std::move(own_));
  own_ = std::make_unique<Filter>(slots_.size() / kSlotsPerWord);
  for (const std::uint64_t slot : old) {
    if (slot == 0) continue;
    const std::uint64_t key = slot >> kCountBits;
    slots_[find(key)] = slot;
    word(key).store(word(key).load(std::memory_order_relaxed) | pattern(key), std::memory_order_relaxed);
  }
  filter_.store(own_.get(), std::memory_order_release);
}

std::size_t SharedHashSet::memory_bytes() const {
  std::size_t words = own_ ? own_->words.size() : 0;
  for (const std::unique_ptr<Filter>& filter : outgrown_) words += filter->words.size();
  return (slots_.capacity() + words) * sizeof(std::uint64_t);
}

}  // namespace martlet::topic
