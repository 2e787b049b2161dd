#include "topic/subscription.h"

#include <algorithm>
#include <memory>
#include <new>

#include "base/hash.h"

namespace martlet::topic {

namespace {

// Up to here a scan of the subscriptions beats a hash table.
constexpr std::uint32_t kMaxScanned = 16;
constexpr std::uint32_t kMinCapacity = 2;

}  // namespace

// Header of a heap block: `capacity` subscriptions follow it, then, if the capacity is above kMaxScanned, twice as
// many slots of an open-addressing table that hold index + 1 of a subscription, 0 = free.
struct SubscriberSet::Block {
  std::uint32_t capacity;

  static std::size_t slot_count(std::uint32_t capacity) {
    return capacity > kMaxScanned ? std::size_t{2} * capacity : 0;
  }
  static std::size_t bytes(std::uint32_t capacity) {
    return sizeof(Block) + capacity * sizeof(Subscription) + slot_count(capacity) * sizeof(std::uint32_t);
  }
  static Block* make(std::uint32_t capacity, std::size_t& heap_bytes) {
    Block* block = ::new (::operator new(bytes(capacity))) Block{capacity};
    std::uninitialized_value_construct_n(block->subscriptions(), capacity);
    std::fill_n(block->slots(), slot_count(capacity), 0u);
    heap_bytes += bytes(capacity);
    return block;
  }
  static void free(Block* block, std::size_t& heap_bytes) {
    heap_bytes -= bytes(block->capacity);
    ::operator delete(static_cast<void*>(block));
  }

  Subscription* subscriptions() { return reinterpret_cast<Subscription*>(this + 1); }
  std::uint32_t* slots() { return reinterpret_cast<std::uint32_t*>(subscriptions() + capacity); }
  std::size_t mask() const { return slot_count(capacity) - 1; }
  bool hashed() const { return capacity > kMaxScanned; }

  // Subscribers are numbered by the broker, not by strangers, so the multiplier needs no seed.
  std::size_t home(SubscriberId subscriber) const {
    return static_cast<std::size_t>(fold_multiply(subscriber ^ 0x9E3779B97F4A7C15ull, 0xD6E8FEB86659FD93ull)) & mask();
  }
  void enter_slot(std::uint32_t index) {
    std::size_t at = home(subscriptions()[index].subscriber);
    while (slots()[at] != 0) at = (at + 1) & mask();
    slots()[at] = index + 1;
  }
  // The slot that holds `index`, whose subscriber is still in place.
  std::size_t slot_of(std::uint32_t index) {
    std::size_t at = home(subscriptions()[index].subscriber);
    while (slots()[at] != index + 1) at = (at + 1) & mask();
    return at;
  }
  void clear_slot(std::size_t hole) {
    for (std::size_t at = (hole + 1) & mask(); slots()[at] != 0; at = (at + 1) & mask()) {
      const std::size_t wanted = home(subscriptions()[slots()[at] - 1].subscriber);
      if (((at - wanted) & mask()) < ((at - hole) & mask())) continue;
      slots()[hole] = slots()[at];
      hole = at;
    }
    slots()[hole] = 0;
  }
  Subscription* find(SubscriberId subscriber, std::uint32_t count) {
    if (!hashed()) {
      Subscription* end = subscriptions() + count;
      Subscription* found = std::find_if(subscriptions(), end, [subscriber](const Subscription& subscription) {
        return subscription.subscriber == subscriber;
      });
      return found == end ? nullptr : found;
    }
    for (std::size_t at = home(subscriber); slots()[at] != 0; at = (at + 1) & mask()) {
      Subscription& candidate = subscriptions()[slots()[at] - 1];
      if (candidate.subscriber == subscriber) return &candidate;
    }
    return nullptr;
  }
};

const Subscription* SubscriberSet::data() const {
  return is_block() ? block()->subscriptions() : &one_;
}

const Subscription* SubscriberSet::find(SubscriberId subscriber) const {
  if (is_block()) return block()->find(subscriber, count_);
  return count_ == 1 && one_.subscriber == subscriber ? &one_ : nullptr;
}

AddOutcome SubscriberSet::add(const Subscription& subscription, std::size_t& heap_bytes) {
  if (const Subscription* held = find(subscription.subscriber)) {
    *const_cast<Subscription*>(held) = subscription;
    return AddOutcome::replaced;
  }
  if (count_ == 0) {
    one_ = subscription;
    count_ = 1;
    return AddOutcome::added;
  }
  if (count_ == 1) {
    Block* made = Block::make(kMinCapacity, heap_bytes);
    made->subscriptions()[0] = one_;
    set_block(made);
  } else if (count_ == block()->capacity) {
    resize(count_ * 2, heap_bytes);
  }
  Block& held = *block();
  held.subscriptions()[count_] = subscription;
  if (held.hashed()) held.enter_slot(count_);
  ++count_;
  return AddOutcome::added;
}

bool SubscriberSet::remove(SubscriberId subscriber, std::size_t& heap_bytes) {
  const Subscription* found = find(subscriber);
  if (!found) return false;
  if (count_ == 1) {
    count_ = 0;
    one_ = {};
    return true;
  }
  Block& held = *block();
  Subscription* all = held.subscriptions();
  const auto index = static_cast<std::uint32_t>(found - all);
  const std::uint32_t last = count_ - 1;
  if (held.hashed()) {
    held.clear_slot(held.slot_of(index));
    if (index != last) held.slots()[held.slot_of(last)] = index + 1;
  }
  all[index] = all[last];
  --count_;
  if (count_ == 1) {
    const Subscription rest = all[0];
    Block::free(&held, heap_bytes);
    one_ = rest;
  } else if (count_ * 4 <= held.capacity && held.capacity > kMinCapacity) {
    resize(held.capacity / 2, heap_bytes);
  }
  return true;
}

void SubscriberSet::resize(std::uint32_t capacity, std::size_t& heap_bytes) {
  Block* old = block();
  Block* made = Block::make(capacity, heap_bytes);
  std::copy_n(old->subscriptions(), count_, made->subscriptions());
  if (made->hashed()) {
    for (std::uint32_t i = 0; i < count_; ++i) made->enter_slot(i);
  }
  Block::free(old, heap_bytes);
  set_block(made);
}

void SubscriberSet::destroy(std::size_t& heap_bytes) {
  if (is_block()) Block::free(block(), heap_bytes);
  count_ = 0;
  one_ = {};
}

}  // namespace martlet::topic
