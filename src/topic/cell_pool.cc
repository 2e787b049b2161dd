#include "topic/cell_pool.h"

#include <bit>
#include <cstring>

#include "base/check.h"

namespace martlet::topic {

namespace {

constexpr std::size_t kExactClasses = 32;

}  // namespace

CellPool::CellPool() {
  // Id 0 is never handed out, so that handle 0 can mean none.
  blocks_.emplace_back();
  slabs_.emplace_back();
}

std::size_t CellPool::class_of(std::size_t units) {
  if (units <= kExactClasses) return units;
  const auto octave = static_cast<std::size_t>(std::bit_width(units - 1));  // 33..64 -> 6, ..128 -> 7, ..256 -> 8
  const std::size_t base = std::size_t{1} << (octave - 1);
  const std::size_t step = base / 8;
  return kExactClasses + (octave - 6) * 8 + (units - base + step - 1) / step;
}

std::size_t CellPool::units_of(std::size_t size_class) {
  if (size_class <= kExactClasses) return size_class;
  const std::size_t steps = size_class - kExactClasses - 1;
  const std::size_t base = kExactClasses << (steps / 8);
  return base + (steps % 8 + 1) * (base / 8);
}

bool CellPool::has_room(const Slab& slab) const {
  return slab.free_head != 0 || slab.fresh + units_of(slab.size_class) <= kSlabUnits;
}

Handle CellPool::allocate(std::size_t bytes) {
  const std::size_t units = (bytes + 7) >> kAlignmentBits;
  if (units > kMaxCellUnits) {
    const std::uint32_t id = add_slab(0, units << kAlignmentBits);
    slabs_[id].live = 1;
    return id << kUnitBits;
  }
  const std::size_t size_class = class_of(units);
  std::uint32_t id = with_room_[size_class];
  if (id == 0) {
    id = add_slab(size_class, kSlabBytes);
    link(id);
  }
  Slab& slab = slabs_[id];
  std::uint32_t unit = 0;
  if (slab.free_head != 0) {
    unit = slab.free_head - 1;
    std::memcpy(&slab.free_head, at((id << kUnitBits) | unit), sizeof slab.free_head);
  } else {
    unit = slab.fresh;
    slab.fresh += static_cast<std::uint32_t>(units_of(size_class));
  }
  ++slab.live;
  if (!has_room(slab)) unlink(id);
  return (id << kUnitBits) | unit;
}

Handle CellPool::start_of(Handle inside) const {
  const std::size_t units = units_of(slabs_[inside >> kUnitBits].size_class);
  const std::uint32_t unit = inside & kUnitMask;
  return inside - (units == 0 ? unit : unit % static_cast<std::uint32_t>(units));
}

void CellPool::release(Handle handle) {
  const std::uint32_t id = handle >> kUnitBits;
  Slab& slab = slabs_[id];
  check(slab.live > 0, "a released cell is in use");
  --slab.live;
  if (slab.size_class == 0) {
    drop_slab(id);
    return;
  }
  const bool had_room = has_room(slab);
  std::memcpy(at(handle), &slab.free_head, sizeof slab.free_head);
  slab.free_head = (handle & kUnitMask) + 1;
  if (!had_room) link(id);
  // The last slab with room stays, so that one cell coming and going does not cost a slab each time.
  if (slab.live == 0 && (slab.next != 0 || slab.previous != 0)) {
    unlink(id);
    drop_slab(id);
  }
}

std::uint32_t CellPool::add_slab(std::size_t size_class, std::size_t bytes) {
  std::uint32_t id = 0;
  if (!unused_ids_.empty()) {
    id = unused_ids_.back();
    unused_ids_.pop_back();
  } else {
    check(slabs_.size() < kMaxSlabs, "a cell pool stays within its handles");
    id = static_cast<std::uint32_t>(slabs_.size());
    slabs_.emplace_back();
    blocks_.emplace_back();
  }
  blocks_[id].reset(new std::byte[bytes]);
  slabs_[id] = Slab{};
  slabs_[id].size_class = static_cast<std::uint32_t>(size_class);
  slabs_[id].bytes = bytes;
  block_bytes_ += bytes;
  return id;
}

void CellPool::drop_slab(std::uint32_t id) {
  block_bytes_ -= slabs_[id].bytes;
  blocks_[id].reset();
  slabs_[id] = Slab{};
  unused_ids_.push_back(id);
}

void CellPool::link(std::uint32_t id) {
  Slab& slab = slabs_[id];
  std::uint32_t& first = with_room_[slab.size_class];
  slab.previous = 0;
  slab.next = first;
  if (first != 0) slabs_[first].previous = id;
  first = id;
}

void CellPool::unlink(std::uint32_t id) {
  Slab& slab = slabs_[id];
  if (slab.next != 0) slabs_[slab.next].previous = slab.previous;
  if (slab.previous != 0) {
    slabs_[slab.previous].next = slab.next;
  } else {
    with_room_[slab.size_class] = slab.next;
  }
  slab.previous = 0;
  slab.next = 0;
}

std::size_t CellPool::cost_bytes(std::size_t bytes) {
  // One slab's entries in the vectors, which may be half empty, and malloc's.
  constexpr std::size_t kSlabCost =
      2 * (sizeof(Slab) + sizeof(std::unique_ptr<std::byte[]>) + sizeof(std::uint32_t)) + 16;
  const std::size_t units = (bytes + 7) >> kAlignmentBits;
  if (units > kMaxCellUnits) return (units << kAlignmentBits) + kSlabCost;
  const std::size_t cells = kSlabUnits / units_of(class_of(units));
  return (kSlabBytes + kSlabCost + cells - 1) / cells;
}

std::size_t CellPool::memory_bytes() const {
  return block_bytes_ + slabs_.capacity() * sizeof(Slab) + blocks_.capacity() * sizeof(blocks_[0]) +
         unused_ids_.capacity() * sizeof(unused_ids_[0]);
}

}  // namespace martlet::topic
