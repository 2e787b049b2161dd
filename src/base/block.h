// Immutable shared bytes with an intrusive count, and the pool that they come from. The count is atomic, so that a
// block may be read by several cores; it is written only by whoever made it, before the first reference is shared.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/bytes.h"

namespace martlet {

// Header of a pooled allocation; `capacity_bytes` usable bytes follow it.
struct Block {
  std::atomic<std::uint32_t> references{1};
  std::uint32_t capacity_bytes = 0;

  std::uint8_t* data() { return reinterpret_cast<std::uint8_t*>(this + 1); }
  const std::uint8_t* data() const { return reinterpret_cast<const std::uint8_t*>(this + 1); }
};

// A block of at least `capacity_bytes`, one reference. Sizes are rounded to classes; freed blocks are kept, a few by
// each thread and the rest, within a bound, by all together, so steady traffic takes nothing from the heap, even if one
// thread makes the blocks and another one frees them. Any thread.
Block* allocate_block(std::size_t capacity_bytes);
// The same if such a block lies idle, so that it costs no memory; else nullptr.
Block* recycle_block(std::size_t capacity_bytes);
void release_block(Block* block);
// How many blocks were taken from the heap since the start, by all threads.
std::uint64_t blocks_from_heap();

// Counted pointer to a block.
class BlockRef {
 public:
  BlockRef() = default;
  // Takes over the reference that `block` was allocated with.
  static BlockRef adopt(Block* block) { return BlockRef(block); }

  BlockRef(const BlockRef& other) : block_(other.block_) { retain(); }
  BlockRef(BlockRef&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  BlockRef& operator=(BlockRef other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~BlockRef() { drop(); }

  Block* get() const { return block_; }
  Block* operator->() const { return block_; }
  explicit operator bool() const { return block_ != nullptr; }

 private:
  explicit BlockRef(Block* block) : block_(block) {}
  void retain() {
    if (block_) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  void drop() {
    if (block_ && block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) release_block(block_);
  }

  Block* block_ = nullptr;
};

}  // namespace martlet
