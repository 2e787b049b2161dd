// Bytes on their way out: small pieces are copied into pooled chunks, large shared ones are referenced. An empty chain
// owns no bytes, only a short list. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/block.h"
#include "base/bytes.h"

namespace martlet {

class ByteChain {
 public:
  ByteChain() = default;
  // The chain that is moved from is empty.
  ByteChain(ByteChain&& other) noexcept
      : segments_(std::exchange(other.segments_, {})),
        first_(std::exchange(other.first_, 0)),
        size_bytes_(std::exchange(other.size_bytes_, 0)),
        consumed_bytes_(std::exchange(other.consumed_bytes_, 0)) {}
  ByteChain& operator=(ByteChain&& other) noexcept {
    segments_ = std::exchange(other.segments_, {});
    first_ = std::exchange(other.first_, 0);
    size_bytes_ = std::exchange(other.size_bytes_, 0);
    consumed_bytes_ = std::exchange(other.consumed_bytes_, 0);
    return *this;
  }
  ByteChain(const ByteChain&) = delete;
  ByteChain& operator=(const ByteChain&) = delete;

  // Room for exactly `count` contiguous bytes at the end; the caller fills all of them before the next call.
  std::uint8_t* extend(std::size_t count);
  // Copies `bytes` to the end.
  void append(ByteView bytes) { copy_bytes(extend(bytes.size()), bytes); }
  // Appends `slice`, which lies in `owner`, without copying it.
  void append_shared(const BlockRef& owner, ByteView slice);

  std::size_t size() const { return size_bytes_; }
  bool empty() const { return size_bytes_ == 0; }

  // Writes up to `max_views` views of the first unsent bytes to `views`; returns how many.
  std::size_t front(ByteView* views, std::size_t max_views) const;
  // Drops the first `count` bytes and frees what they occupied.
  void consume(std::size_t count);
  // Moves the first `count` bytes to the end of `to`.
  void move_front(std::size_t count, ByteChain& to);
  // How many bytes consume() has dropped in all.
  std::uint64_t consumed_bytes() const { return consumed_bytes_; }
  void clear();

 private:
  struct Segment {
    BlockRef block;
    const std::uint8_t* begin;
    const std::uint8_t* end;
    bool writable;  // our own chunk: may grow up to its block's capacity
  };

  std::vector<Segment> segments_;
  std::size_t first_ = 0;  // index of the first segment that still holds bytes
  std::size_t size_bytes_ = 0;
  std::uint64_t consumed_bytes_ = 0;
};

}  // namespace martlet
