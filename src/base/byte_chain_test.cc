#include "base/byte_chain.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"

namespace martlet {
namespace {

std::string contents(const ByteChain& chain) {
  std::vector<ByteView> views(100'000);
  const std::size_t count = chain.front(views.data(), views.size());
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += as_text(views[i]);
  return all;
}

BlockRef block_with(std::string_view text) {
  BlockRef block = BlockRef::adopt(allocate_block(text.size()));
  copy_bytes(block->data(), as_bytes(text));
  return block;
}

TEST(ByteChain, GivesBackWhatWasPutInWhateverIsConsumed) {
  ByteChain chain;
  std::string model;
  Random random(7);
  for (int i = 0; i < 20'000; ++i) {
    const std::string piece(random.below(8) == 0 ? random.below(40'000) : random.below(60),
                            static_cast<char>('a' + random.below(26)));
    switch (random.below(4)) {
      case 0: {
        const BlockRef block = block_with(piece);
        chain.append_shared(block, {block->data(), piece.size()});
        model += piece;
        break;
      }
      case 1:
        chain.append(as_bytes(piece));
        model += piece;
        break;
      case 2:
        copy_bytes(chain.extend(piece.size()), as_bytes(piece));
        model += piece;
        break;
      default: {
        const std::size_t count = random.below(4) == 0 ? model.size() : random.below(model.size() + 1);
        chain.consume(count);
        model.erase(0, count);
      }
    }
    ASSERT_EQ(chain.size(), model.size());
    ASSERT_EQ(chain.empty(), model.empty());
    if (i % 50 == 0) {
      ASSERT_EQ(contents(chain), model);
    }
  }
}

TEST(ByteChain, FrontGivesNoMoreViewsThanAskedFor) {
  ByteChain chain;
  const BlockRef block = block_with("0123456789");
  for (int i = 0; i < 5; ++i) chain.append_shared(block, {block->data(), 2});
  ByteView views[3];
  EXPECT_EQ(chain.front(views, 3), 3u);
  chain.consume(3);
  EXPECT_EQ(chain.front(views, 1), 1u);
  EXPECT_EQ(as_text(views[0]), "1");
}

TEST(ByteChain, SharedBytesAreNotCopiedAndAreLetGoOf) {
  ByteChain chain;
  const BlockRef block = block_with("shared");
  chain.append_shared(block, {block->data(), 6});
  EXPECT_EQ(block->references.load(), 2u);
  ByteView view;
  chain.front(&view, 1);
  EXPECT_EQ(view.data(), block->data());
  // What follows must not be written into the shared block.
  chain.append(as_bytes("own"));
  EXPECT_EQ(contents(chain), "sharedown");
  chain.consume(6);
  EXPECT_EQ(block->references.load(), 1u);
  EXPECT_EQ(contents(chain), "own");
  chain.append_shared(block, {block->data(), 6});
  chain.clear();
  EXPECT_EQ(block->references.load(), 1u);
}

TEST(ByteChain, AMovedChainIsEmpty) {
  ByteChain chain;
  chain.append(as_bytes("bytes"));
  const ByteChain taken = std::move(chain);
  EXPECT_EQ(contents(taken), "bytes");
  EXPECT_EQ(taken.size(), 5u);
  EXPECT_TRUE(chain.empty());  // NOLINT(bugprone-use-after-move): that is the point
  EXPECT_EQ(contents(chain), "");
  chain.append(as_bytes("new"));
  EXPECT_EQ(contents(chain), "new");
}

TEST(ByteChainDeathTest, ConsumingMoreThanIsThereIsABug) {
  ByteChain chain;
  chain.append(as_bytes("abc"));
  EXPECT_DEATH(chain.consume(4), "holds the bytes");
}

TEST(ByteChain, MovesItsFrontToAnother) {
  const BlockRef large = BlockRef::adopt(allocate_block(2000));
  std::fill_n(large->data(), 2000, std::uint8_t{'x'});
  ByteChain from;
  from.append(as_bytes("head"));
  from.append_shared(large, ByteView(large->data(), 2000));
  from.append(as_bytes("tail"));
  ByteChain to;
  to.append(as_bytes("before "));
  from.move_front(2 + 2 + 600, to);
  EXPECT_EQ(to.size(), 7u + 604u);
  EXPECT_EQ(from.size(), 1400u + 4u);
  from.move_front(from.size(), to);
  EXPECT_TRUE(from.empty());
  std::string all;
  while (!to.empty()) {
    ByteView piece;
    to.front(&piece, 1);
    all += as_text(piece);
    to.consume(piece.size());
  }
  EXPECT_EQ(all, "before head" + std::string(2000, 'x') + "tail");
}

}  // namespace
}  // namespace martlet
