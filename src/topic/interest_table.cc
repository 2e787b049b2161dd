#include "topic/interest_table.h"

#include <bit>
#include <unordered_map>

#include "base/check.h"

namespace martlet::topic {

namespace {

constexpr std::uint64_t kCodeMask = (std::uint64_t{1} << kShapeCodeBits) - 1;
constexpr std::uint64_t kOneUser = kCodeMask + 1;
constexpr std::uint32_t kNoSlot = ~std::uint32_t{0};

}  // namespace

// Readers look at `filters`; the rest is the core's own and on other cache lines.
struct InterestTable::Side {
  alignas(64) SharedHashSet filters;
  alignas(64) std::unordered_map<ShapeCode, Use> uses;
  std::uint64_t without_slot = 0;  // shapes that found no slot
};

InterestTable::InterestTable(std::uint64_t seed, std::uint32_t cores)
    : seed_(seed), cores_(cores), sides_(std::make_unique<Side[]>(cores)) {
  check(cores >= 1 && cores <= kMostCores, "an interest table has 1 to 64 cores");
  slots_[0].users.store(kOneUser, std::memory_order_relaxed);  // the literal shape's, never given back
}

InterestTable::~InterestTable() = default;

// The slot of the shape for one more core, kNoSlot if all are taken. Two cores that come with the same new shape at
// once may take a slot each; then questions look twice.
std::uint32_t InterestTable::claim(std::uint32_t core, ShapeCode shape) {
  if (shape == kNoShape) return kNoSlot;
  for (const bool free_slot : {false, true}) {
    for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
      if (join(core, slot, shape, free_slot)) return slot;
    }
  }
  return kNoSlot;
}

// Makes the core a user of the slot, if that is free or, without `free_slot`, has the shape.
bool InterestTable::join(std::uint32_t core, std::uint32_t slot, ShapeCode shape, bool free_slot) {
  std::uint64_t users = slots_[slot].users.load(std::memory_order_acquire);
  do {
    if (free_slot ? users != 0 : users == 0 || (users & kCodeMask) != shape) return false;
  } while (!slots_[slot].users.compare_exchange_weak(users, (users | shape) + kOneUser, std::memory_order_acq_rel,
                                                     std::memory_order_acquire));
  slots_[slot].cores.fetch_or(std::uint64_t{1} << core, std::memory_order_release);
  std::uint32_t used = slots_used_.load(std::memory_order_relaxed);
  while (used <= slot &&
         !slots_used_.compare_exchange_weak(used, slot + 1, std::memory_order_release, std::memory_order_relaxed)) {
  }
  return true;
}

void InterestTable::give_back(std::uint32_t core, std::uint32_t slot) {
  slots_[slot].cores.fetch_and(~(std::uint64_t{1} << core), std::memory_order_release);
  std::uint64_t users = slots_[slot].users.load(std::memory_order_relaxed);
  std::uint64_t fewer = 0;
  do {
    fewer = users - kOneUser < kOneUser ? 0 : users - kOneUser;
  } while (!slots_[slot].users.compare_exchange_weak(users, fewer, std::memory_order_acq_rel));
}

void InterestTable::add(std::uint32_t core, std::string_view filter) {
  if (cores_ == 1) return;
  Side& side = sides_[core];
  const auto [shape, hash] = shape_filter(filter, seed_);
  // Its hash first: who sees the shape in use shall find the filter.
  if (shape != kNoShape) side.filters.add(hash);
  Use& use = side.uses[shape];
  if (use.filters++ == 0) {
    use.slot = claim(core, shape);
    if (use.slot == kNoSlot && side.without_slot++ == 0) {
      told_everything_.fetch_or(std::uint64_t{1} << core, std::memory_order_release);
    }
  }
}

void InterestTable::remove(std::uint32_t core, std::string_view filter) {
  if (cores_ == 1) return;
  Side& side = sides_[core];
  const auto [shape, hash] = shape_filter(filter, seed_);
  const auto use = side.uses.find(shape);
  check(use != side.uses.end(), "an interest that is taken back was told before");
  if (shape != kNoShape) side.filters.remove(hash);
  if (--use->second.filters != 0) return;
  if (use->second.slot != kNoSlot) {
    give_back(core, use->second.slot);
  } else if (--side.without_slot == 0) {
    told_everything_.fetch_and(~(std::uint64_t{1} << core), std::memory_order_release);
  }
  side.uses.erase(use);
}

// Those of `cores` that may have a filter with this hash.
std::uint64_t InterestTable::ask(std::uint64_t hash, std::uint64_t cores) const {
  std::uint64_t found = 0;
  for (std::uint64_t left = cores; left != 0; left &= left - 1) {
    const int core = std::countr_zero(left);
    if (sides_[static_cast<std::size_t>(core)].filters.may_hold(hash)) found |= std::uint64_t{1} << core;
  }
  return found;
}

std::uint64_t InterestTable::cores_for(std::string_view topic) const {
  if (cores_ == 1) return 1;
  std::uint64_t found = told_everything_.load(std::memory_order_acquire);
  if (const std::uint64_t cores = slots_[0].cores.load(std::memory_order_acquire) & ~found) {
    found |= ask(ShapedTopic::literal_hash(topic, seed_), cores);
  }
  const std::uint32_t used = slots_used_.load(std::memory_order_acquire);
  if (used == 1) return found;
  const ShapedTopic shaped(topic, seed_);
  for (std::uint32_t i = 1; i < used; ++i) {
    const std::uint64_t cores = slots_[i].cores.load(std::memory_order_acquire) & ~found;
    if (cores == 0) continue;
    const ShapeCode shape = slots_[i].users.load(std::memory_order_acquire) & kCodeMask;
    // Code 0: the slot was given back meanwhile.
    if (shape != kLiteralShape && shaped.fits(shape)) found |= ask(shaped.hash(shape), cores);
  }
  return found;
}

std::size_t InterestTable::memory_bytes(std::uint32_t core) const {
  return sides_[core].filters.memory_bytes();
}

}  // namespace martlet::topic
