#include "base/byte_chain.h"

#include <algorithm>

#include "base/check.h"

namespace martlet {
namespace {

// The first chunk is small since most turns send one small packet to a connection; further ones are not.
constexpr std::size_t kFirstChunkBytes = 1024 - sizeof(Block);
constexpr std::size_t kChunkBytes = 16384 - sizeof(Block);
constexpr std::size_t kMostSentSegments = 8;
constexpr std::size_t kKeptSegments = 8;

}  // namespace

std::uint8_t* ByteChain::extend(std::size_t count) {
  if (first_ < segments_.size()) {
    Segment& last = segments_.back();
    const std::uint8_t* limit = last.block->data() + last.block->capacity_bytes;
    if (last.writable && static_cast<std::size_t>(limit - last.end) >= count) {
      auto* room = const_cast<std::uint8_t*>(last.end);
      last.end += count;
      size_bytes_ += count;
      return room;
    }
  }
  const std::size_t chunk_bytes = std::max(count, empty() ? kFirstChunkBytes : kChunkBytes);
  BlockRef block = BlockRef::adopt(allocate_block(chunk_bytes));
  std::uint8_t* room = block->data();
  segments_.push_back({std::move(block), room, room + count, true});
  size_bytes_ += count;
  return room;
}

void ByteChain::append_shared(const BlockRef& owner, ByteView slice) {
  if (slice.empty()) return;
  segments_.push_back({owner, slice.data(), slice.data() + slice.size(), false});
  size_bytes_ += slice.size();
}

std::size_t ByteChain::front(ByteView* views, std::size_t max_views) const {
  std::size_t count = 0;
  for (std::size_t i = first_; i < segments_.size() && count < max_views; ++i) {
    const Segment& segment = segments_[i];
    views[count++] = ByteView(segment.begin, static_cast<std::size_t>(segment.end - segment.begin));
  }
  return count;
}

void ByteChain::consume(std::size_t count) {
  check(count <= size_bytes_, "a chain holds the bytes that are consumed");
  size_bytes_ -= count;
  consumed_bytes_ += count;
  if (size_bytes_ == 0) return clear();
  while (count > 0) {
    Segment& segment = segments_[first_];
    const auto held = static_cast<std::size_t>(segment.end - segment.begin);
    const std::size_t taken = std::min(count, held);
    segment.begin += taken;
    count -= taken;
    if (taken == held) {
      segment.block = BlockRef();
      ++first_;
    }
  }
  // Sent segments are dropped in bulk once they outnumber the rest, so a queue that never empties stays linear.
  if (first_ > kMostSentSegments && first_ * 2 > segments_.size()) {
    segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void ByteChain::move_front(std::size_t count, ByteChain& to) {
  // A smaller piece is cheaper to copy than to refer to.
  constexpr std::size_t kSharedBytes = 512;
  std::size_t left = count;
  for (std::size_t i = first_; left > 0; ++i) {
    const Segment& segment = segments_[i];
    const std::size_t bytes = std::min(left, static_cast<std::size_t>(segment.end - segment.begin));
    const ByteView piece(segment.begin, bytes);
    if (segment.writable || bytes < kSharedBytes) {
      to.append(piece);
    } else {
      to.append_shared(segment.block, piece);
    }
    left -= bytes;
  }
  consume(count);
}

void ByteChain::clear() {
  segments_.clear();
  // A short list is kept, so that steady traffic allocates nothing; a long one is given back when all is sent.
  if (segments_.capacity() > kKeptSegments) segments_ = {};
  first_ = 0;
  size_bytes_ = 0;
}

}  // namespace martlet
