#include "base/block.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace martlet {
namespace {

TEST(Block, HoldsAtLeastWhatWasAskedFor) {
  std::vector<BlockRef> blocks;
  for (std::size_t bytes : {0u, 1u, 55u, 56u, 57u, 64u, 1000u, 65'520u, 65'528u, 65'529u, 1'000'000u}) {
    blocks.push_back(BlockRef::adopt(allocate_block(bytes)));
    EXPECT_GE(blocks.back()->capacity_bytes, bytes);
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

}  // namespace
}  // namespace martlet
