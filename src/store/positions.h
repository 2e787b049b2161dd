// Hands out the positions of one log to several writers, a chunk at a time.
#pragma once

#include <algorithm>
#include <atomic>

#include "store/types.h"

namespace martlet::store {

// Positions of one writer follow each other up to the chunk's end.
inline constexpr Position kChunk = 1024;

// Any thread.
class Positions {
 public:
  explicit Positions(Position begin) : next_(begin) {}

  // The first of kChunk positions that nobody else gets; above all that were handed out before.
  Position take() { return next_.fetch_add(kChunk, std::memory_order_relaxed); }
  // All chunks from now on are at or above `position`. Before a second thread writes.
  void skip_to(Position position) { next_.store(std::max(next_.load(), position)); }

  // A record was appended in the chunk that begins at `chunk`.
  void used(Position chunk) {
    Position highest = used_.load(std::memory_order_relaxed);
    while (highest < chunk && !used_.compare_exchange_weak(highest, chunk, std::memory_order_relaxed)) {
    }
  }
  // True if a record was appended in a later chunk.
  bool overtaken(Position chunk) const { return used_.load(std::memory_order_relaxed) > chunk; }

 private:
  std::atomic<Position> next_;
  std::atomic<Position> used_{0};
};

}  // namespace martlet::store
