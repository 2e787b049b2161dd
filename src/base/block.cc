#include "base/block.h"

#include <array>
#include <bit>
#include <cstdlib>
#include <new>

#include "base/check.h"

namespace martlet {
namespace {

// Classes are powers of two from 64 bytes to 64 KiB, header included; larger blocks go straight to the heap.
constexpr unsigned kSmallestClassLog2 = 6;
constexpr unsigned kLargestClassLog2 = 16;
constexpr std::size_t kClasses = kLargestClassLog2 - kSmallestClassLog2 + 1;
// What one thread keeps of each class when idle.
constexpr std::size_t kKeptBytesPerClass = 4u << 20;

struct FreeList {
  Block* head = nullptr;
  std::size_t count = 0;
};

// A free block's first payload bytes hold the link to the next one.
Block*& next_of(Block* block) {
  return *reinterpret_cast<Block**>(block->data());
}

class FreeLists {
 public:
  ~FreeLists() {
    for (FreeList& list : lists_) {
      while (Block* block = list.head) {
        list.head = next_of(block);
        std::free(block);
      }
    }
  }
  FreeList& of(std::size_t size_class) { return lists_[size_class]; }

 private:
  std::array<FreeList, kClasses> lists_{};
};

thread_local FreeLists free_lists;

std::size_t class_of(std::size_t total_bytes) {
  const unsigned log2 = static_cast<unsigned>(std::bit_width(total_bytes - 1));
  return log2 <= kSmallestClassLog2 ? 0 : log2 - kSmallestClassLog2;
}

constexpr std::size_t class_bytes(std::size_t size_class) {
  return std::size_t{1} << (size_class + kSmallestClassLog2);
}

Block* from_heap(std::size_t total_bytes) {
  void* memory = std::malloc(total_bytes);
  check(memory != nullptr, "memory for a block is available");
  auto* block = new (memory) Block;
  block->capacity_bytes = static_cast<std::uint32_t>(total_bytes - sizeof(Block));
  return block;
}

}  // namespace

Block* allocate_block(std::size_t capacity_bytes) {
  const std::size_t total_bytes = capacity_bytes + sizeof(Block);
  const std::size_t size_class = class_of(total_bytes);
  if (size_class >= kClasses) return from_heap(total_bytes);
  FreeList& list = free_lists.of(size_class);
  if (!list.head) return from_heap(class_bytes(size_class));
  Block* block = list.head;
  list.head = next_of(block);
  --list.count;
  block->references.store(1, std::memory_order_relaxed);
  return block;
}

void release_block(Block* block) {
  const std::size_t size_class = class_of(block->capacity_bytes + sizeof(Block));
  if (size_class < kClasses) {
    FreeList& list = free_lists.of(size_class);
    if (list.count * class_bytes(size_class) < kKeptBytesPerClass) {
      next_of(block) = list.head;
      list.head = block;
      ++list.count;
      return;
    }
  }
  std::free(block);
}

}  // namespace martlet
