#include "base/block.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>

#include "base/check.h"

namespace martlet {
namespace {

// Classes, header included: powers of two from 64 bytes to 64 KiB, then four steps to each doubling, up to 2 MiB.
// Larger blocks go straight to the heap.
constexpr unsigned kSmallestLog2 = 6;
constexpr unsigned kFineLog2 = 16;
constexpr unsigned kLargestLog2 = 21;
constexpr std::size_t kCoarseClasses = kFineLog2 - kSmallestLog2 + 1;
constexpr std::size_t kClasses = kCoarseClasses + 4 * (kLargestLog2 - kFineLog2);
// Idle blocks move between threads in batches of at most so many, and of no more bytes than that, unless one is larger.
constexpr std::size_t kBatchBlocks = 64;
constexpr std::size_t kBatchBytes = 256u << 10;
// What lies idle for all threads. Of each class a thread keeps two batches besides.
constexpr std::size_t kDepotBytes = 32u << 20;

std::size_t class_of(std::size_t total_bytes) {
  const unsigned log2 = static_cast<unsigned>(std::bit_width(total_bytes - 1));
  if (log2 <= kFineLog2) return log2 <= kSmallestLog2 ? 0 : log2 - kSmallestLog2;
  if (log2 > kLargestLog2) return kClasses;
  // 2^(log2 - 1) < total_bytes <= 2^log2: which quarter of the way.
  const std::size_t quarter = ((total_bytes - 1) >> (log2 - 3)) & 3;
  return kCoarseClasses + 4 * (log2 - 1 - kFineLog2) + quarter;
}

constexpr std::size_t class_bytes(std::size_t size_class) {
  if (size_class < kCoarseClasses) return std::size_t{1} << (size_class + kSmallestLog2);
  const std::size_t step = size_class - kCoarseClasses;
  return (5 + step % 4) << (kFineLog2 - 2 + step / 4);
}

constexpr std::array<std::uint32_t, kClasses> batch_sizes() {
  std::array<std::uint32_t, kClasses> sizes{};
  for (std::size_t i = 0; i < kClasses; ++i) {
    sizes[i] = static_cast<std::uint32_t>(std::clamp<std::size_t>(kBatchBytes / class_bytes(i), 1, kBatchBlocks));
  }
  return sizes;
}
constexpr std::array<std::uint32_t, kClasses> kBatchSize = batch_sizes();

// An idle block's first payload bytes hold links: to the next one of its batch, and of a batch's first block to the
// next batch.
struct Links {
  Block* next;
  Block* next_batch;
};
Links& links_of(Block* block) {
  return *reinterpret_cast<Links*>(block->data());
}

void free_batch(Block* block) {
  while (block) std::free(std::exchange(block, links_of(block).next));
}

// Full batches that any thread may take.
class Depot {
 public:
  // Takes the batch, or frees it when there is enough.
  void put(std::size_t size_class, Block* batch) {
    const std::size_t bytes = kBatchSize[size_class] * class_bytes(size_class);
    {
      const std::lock_guard lock(mutex_);
      if (bytes_ + bytes <= kDepotBytes) {
        bytes_ += bytes;
        links_of(batch).next_batch = std::exchange(batches_[size_class], batch);
        return;
      }
    }
    free_batch(batch);
  }
  // Null if there is none.
  Block* take(std::size_t size_class) {
    const std::lock_guard lock(mutex_);
    Block* batch = batches_[size_class];
    if (!batch) return nullptr;
    batches_[size_class] = links_of(batch).next_batch;
    bytes_ -= kBatchSize[size_class] * class_bytes(size_class);
    return batch;
  }

 private:
  std::mutex mutex_;
  std::array<Block*, kClasses> batches_{};
  std::size_t bytes_ = 0;
};

// Lives for ever: threads end late.
Depot& depot() {
  static Depot* const instance = new Depot;
  return *instance;
}

// What one thread keeps of a class: a batch that it takes from and gives to, and a full one or none. So a thread that
// gives and takes in turn seldom goes to the depot.
struct FreeList {
  Block* head = nullptr;
  Block* spare = nullptr;
  std::size_t count = 0;  // of blocks behind `head`
};

class FreeLists {
 public:
  ~FreeLists() {
    for (FreeList& list : lists_) {
      free_batch(list.head);
      free_batch(list.spare);
      list = {};
    }
  }
  Block* take(std::size_t size_class) {
    FreeList& list = lists_[size_class];
    if (!list.head && !refill(list, size_class)) return nullptr;
    Block* block = list.head;
    list.head = links_of(block).next;
    --list.count;
    __builtin_prefetch(list.head);  // cold as a rule, and the next one to be asked for
    return block;
  }
  void give(std::size_t size_class, Block* block) {
    FreeList& list = lists_[size_class];
    if (list.count == kBatchSize[size_class]) {
      if (list.spare) depot().put(size_class, list.spare);
      list.spare = std::exchange(list.head, nullptr);
      list.count = 0;
    }
    links_of(block).next = list.head;
    list.head = block;
    ++list.count;
  }

 private:
  static bool refill(FreeList& list, std::size_t size_class) {
    list.head = list.spare ? std::exchange(list.spare, nullptr) : depot().take(size_class);
    list.count = list.head ? kBatchSize[size_class] : 0;
    return list.head != nullptr;
  }

  std::array<FreeList, kClasses> lists_{};
};

thread_local FreeLists free_lists;
std::atomic<std::uint64_t> from_heap_count{0};

Block* from_heap(std::size_t total_bytes) {
  void* memory = std::malloc(total_bytes);
  check(memory != nullptr, "memory for a block is available");
  from_heap_count.fetch_add(1, std::memory_order_relaxed);
  auto* block = new (memory) Block;
  block->capacity_bytes = static_cast<std::uint32_t>(total_bytes - sizeof(Block));
  return block;
}

Block* recycle(std::size_t size_class) {
  Block* block = free_lists.take(size_class);
  if (block) block->references.store(1, std::memory_order_relaxed);
  return block;
}

}  // namespace

Block* allocate_block(std::size_t capacity_bytes) {
  const std::size_t total_bytes = capacity_bytes + sizeof(Block);
  const std::size_t size_class = class_of(total_bytes);
  if (size_class >= kClasses) return from_heap(total_bytes);
  Block* block = recycle(size_class);
  return block ? block : from_heap(class_bytes(size_class));
}

Block* recycle_block(std::size_t capacity_bytes) {
  const std::size_t size_class = class_of(capacity_bytes + sizeof(Block));
  return size_class < kClasses ? recycle(size_class) : nullptr;
}

void release_block(Block* block) {
  const std::size_t size_class = class_of(block->capacity_bytes + sizeof(Block));
  if (size_class >= kClasses) return std::free(block);
  free_lists.give(size_class, block);
}

std::uint64_t blocks_from_heap() {
  return from_heap_count.load(std::memory_order_relaxed);
}

}  // namespace martlet
