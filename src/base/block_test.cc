#include "base/block.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

namespace martlet {
namespace {

TEST(Block, HoldsAtLeastWhatWasAskedFor) {
  std::vector<BlockRef> blocks;
  for (std::size_t bytes : {0u, 1u, 55u, 56u, 57u, 64u, 1000u, 65'520u, 65'528u, 65'529u, 81'912u, 81'913u, 131'064u,
                            131'065u, 1'000'000u, 2'097'144u, 2'097'145u, 20'000'000u}) {
    blocks.push_back(BlockRef::adopt(allocate_block(bytes)));
    EXPECT_GE(blocks.back()->capacity_bytes, bytes);
    // No step is wider than a quarter.
    EXPECT_LE(blocks.back()->capacity_bytes, bytes > 65'528 ? bytes + bytes / 4 + 64 : 2 * bytes + 64);
    EXPECT_EQ(blocks.back()->references.load(), 1u);
    std::memset(blocks.back()->data(), 0xAB, bytes);
  }
}

TEST(Block, CountsItsReferences) {
  BlockRef first = BlockRef::adopt(allocate_block(100));
  {
    const BlockRef second = first;  // NOLINT(performance-unnecessary-copy-initialization): the copy is counted
    EXPECT_EQ(first->references.load(), 2u);
  }
  EXPECT_EQ(first->references.load(), 1u);
  BlockRef moved = std::move(first);
  EXPECT_FALSE(static_cast<bool>(first));  // NOLINT(bugprone-use-after-move): that is the point
  EXPECT_EQ(moved->references.load(), 1u);
  moved = BlockRef();
  EXPECT_FALSE(static_cast<bool>(moved));
}

TEST(Block, AFreedBlockIsUsedAgain) {
  Block* first = allocate_block(500);
  release_block(first);
  Block* second = allocate_block(400);  // the same class
  EXPECT_EQ(second, first);
  EXPECT_EQ(second->references.load(), 1u);
  release_block(second);
}

TEST(Block, IsRecycledOnlyIfOneLiesIdle) {
  constexpr std::size_t kBytes = 1'500'000;  // a class that no other test uses
  EXPECT_EQ(recycle_block(kBytes), nullptr);
  Block* block = allocate_block(kBytes);
  EXPECT_EQ(recycle_block(kBytes), nullptr);
  release_block(block);
  EXPECT_EQ(recycle_block(kBytes), block);
  EXPECT_EQ(block->references.load(), 1u);
  release_block(block);
  EXPECT_EQ(recycle_block(100'000'000), nullptr);
}

// One thread makes blocks, the other one frees them, as cores do that pass messages on.
TEST(Block, BlocksThatAnotherThreadFreesComeBack) {
  constexpr std::size_t kInFlight = 1000;
  constexpr std::size_t kRounds = 200;
  for (const std::size_t bytes : {100u, 5000u, 100'000u}) {
    std::vector<std::atomic<Block*>> slots(bytes == 100'000 ? kInFlight / 20 : kInFlight);
    std::atomic<bool> done{false};
    std::thread consumer([&] {
      while (!done.load()) {
        bool any = false;
        for (auto& slot : slots) {
          if (Block* block = slot.exchange(nullptr)) {
            EXPECT_EQ(block->data()[bytes - 1], 7);
            release_block(block);
            any = true;
          }
        }
        if (!any) std::this_thread::yield();
      }
    });
    const auto round = [&] {
      for (auto& slot : slots) {
        while (slot.load() != nullptr) std::this_thread::yield();
        Block* block = allocate_block(bytes);
        block->data()[bytes - 1] = 7;
        slot.store(block);
      }
    };
    // At most all slots, and two batches of each thread, hold blocks; from then on none is new.
    for (std::size_t i = 0; i < kRounds; ++i) round();
    const std::uint64_t taken = blocks_from_heap();
    EXPECT_LE(taken, kRounds * slots.size() / 4);
    for (std::size_t i = 0; i < kRounds; ++i) round();
    EXPECT_LE(blocks_from_heap() - taken, slots.size());
    done = true;
    consumer.join();
    for (auto& slot : slots) {
      if (Block* block = slot.exchange(nullptr)) release_block(block);
    }
  }
}

}  // namespace
}  // namespace martlet
