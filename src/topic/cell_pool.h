// Many small cells of mixed sizes behind 32-bit handles: slabs of equal cells, empty slabs go back to the heap.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace martlet::topic {

// Names a cell of one pool; 0 names none.
using Handle = std::uint32_t;

// Cells never move and are aligned to 8 bytes. Up to 32 GiB in 2^21 slabs; owners that strangers fill refuse before
// that (slabs_left). One owner, no locking.
class CellPool {
 public:
  CellPool();
  CellPool(const CellPool&) = delete;
  CellPool& operator=(const CellPool&) = delete;

  // A cell of at least `bytes` (> 0) uninitialised bytes. Requires slabs_left() > 0.
  Handle allocate(std::size_t bytes);
  // Gives back a cell whose contents have been destroyed by the caller.
  void release(Handle handle);

  std::byte* at(Handle handle) { return blocks_[handle >> kUnitBits].get() + ((handle & kUnitMask) << kAlignmentBits); }
  const std::byte* at(Handle handle) const {
    return blocks_[handle >> kUnitBits].get() + ((handle & kUnitMask) << kAlignmentBits);
  }

  // The cell in use that has the unit of 8 bytes `inside`: a handle plus less than the cell's units is one.
  Handle start_of(Handle inside) const;

  // Heap bytes held, free cells included.
  std::size_t memory_bytes() const;
  // What one cell of `bytes` takes in a well-filled pool, its share of the slab's rest and administration included.
  static std::size_t cost_bytes(std::size_t bytes);
  // Slabs that can still be made. Cells of more than 2 KiB take one each.
  std::size_t slabs_left() const { return unused_ids_.size() + kMaxSlabs - slabs_.size(); }

 private:
  static constexpr unsigned kAlignmentBits = 3;
  static constexpr unsigned kUnitBits = 11;
  static constexpr std::uint32_t kUnitMask = (1u << kUnitBits) - 1;
  static constexpr std::size_t kSlabUnits = std::size_t{1} << kUnitBits;
  static constexpr std::size_t kSlabBytes = kSlabUnits << kAlignmentBits;
  static constexpr std::uint32_t kMaxSlabs = 1u << (32 - kUnitBits);
  // Classes 1..32 hold exactly that many 8-byte units, the other 24 grow by an eighth up to 256 units.
  static constexpr std::size_t kClasses = 57;
  static constexpr std::size_t kMaxCellUnits = 256;

  struct Slab {
    std::uint32_t size_class = 0;  // 0: one cell that is bigger than any class
    std::uint32_t live = 0;        // cells in use
    std::uint32_t free_head = 0;   // unit of the first released cell + 1, 0 if none
    std::uint32_t fresh = 0;       // unit from which no cell was handed out yet
    std::uint32_t previous = 0;    // neighbours in the list of slabs of this class with room
    std::uint32_t next = 0;
    std::size_t bytes = 0;
  };

  static std::size_t class_of(std::size_t units);
  static std::size_t units_of(std::size_t size_class);

  std::uint32_t add_slab(std::size_t size_class, std::size_t bytes);
  void drop_slab(std::uint32_t id);
  bool has_room(const Slab& slab) const;
  void link(std::uint32_t id);
  void unlink(std::uint32_t id);

  std::vector<std::unique_ptr<std::byte[]>> blocks_;  // by slab id; id 0 is never used
  std::vector<Slab> slabs_;
  std::vector<std::uint32_t> unused_ids_;
  std::array<std::uint32_t, kClasses> with_room_{};  // first slab of the class with room, 0 if none
  std::size_t block_bytes_ = 0;
};

}  // namespace martlet::topic
