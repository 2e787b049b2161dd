// One subscription as the index keeps it, and the set of those that share a filter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace martlet::topic {

using SubscriberId = std::uint32_t;  // chosen by the broker

struct Subscription {
  SubscriberId subscriber = 0;
  std::uint32_t identifier = 0;  // subscription identifier, 0 = none
  std::uint8_t options = 0;      // opaque here
};

enum class AddOutcome : std::uint8_t {
  added,
  replaced,
  full,  // there is no room, nothing changed
};

// The subscriptions to one filter, at most one per subscriber. One subscription lives inside; more lie in one heap
// block, with a hash table over the subscribers once a scan would be slow: add, remove and find are O(1).
// Trivially relocatable: sixteen bytes that own the block; `destroy` must be called before they go.
class SubscriberSet {
 public:
  // `heap_bytes`, here and below, is the caller's account of heap memory, kept up to date.
  AddOutcome add(const Subscription& subscription, std::size_t& heap_bytes);
  // False if `subscriber` was not in.
  bool remove(SubscriberId subscriber, std::size_t& heap_bytes);
  // Valid until the next change of this set.
  const Subscription* find(SubscriberId subscriber) const;
  void destroy(std::size_t& heap_bytes);

  std::size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  // The first of size() subscriptions, in no particular order.
  const Subscription* data() const;

 private:
  struct Block;

  Block* block() const {
    Block* block;
    std::memcpy(&block, &one_, sizeof block);
    return block;
  }
  bool is_block() const { return count_ > 1; }
  void set_block(Block* block) { std::memcpy(static_cast<void*>(&one_), &block, sizeof block); }
  void resize(std::uint32_t capacity, std::size_t& heap_bytes);

  std::uint32_t count_ = 0;
  Subscription one_;  // holds the block's address when there is more than one
};

static_assert(sizeof(SubscriberSet) == 16 && std::is_trivially_copyable_v<SubscriberSet>);

}  // namespace martlet::topic
