// Blocks of memory that are read into once and written from as often as there are receivers, so that no payload is
// copied between. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace martlet::floor {

constexpr std::size_t kBlockBytes = 256 * 1024;

struct Block {
  std::uint32_t references;
  char bytes[kBlockBytes];
};

// Part of a block; holds one of its references.
struct Piece {
  Block* block;
  std::string_view bytes;
};

class Blocks {
 public:
  Blocks() = default;
  Blocks(const Blocks&) = delete;
  Blocks& operator=(const Blocks&) = delete;
  ~Blocks();

  // A block with one reference, by choice one that was in use a moment ago: it is still in the cache.
  Block* take();
  void release(Block* block);
  static Piece share(const Piece& piece) {
    ++piece.block->references;
    return piece;
  }

 private:
  std::vector<Block*> free_;
};

}  // namespace martlet::floor
