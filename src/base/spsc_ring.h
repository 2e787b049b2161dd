// A bounded ring between two threads, one of which puts in and one of which takes out. Its memory is touched as it is
// used.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

#include "base/check.h"

namespace martlet {

// T moves without failing.
template <class T>
class SpscRing {
 public:
  // `capacity` is a power of two.
  explicit SpscRing(std::size_t capacity) : mask_(capacity - 1) {
    check((capacity & mask_) == 0 && capacity > 0, "a ring's capacity is a power of two");
    slots_.reset(static_cast<T*>(std::calloc(capacity, sizeof(T))));
    check(slots_ != nullptr, "memory for a ring is available");
  }
  // Nobody uses it any more.
  ~SpscRing() {
    publish();  // what was pushed since is there to be dropped, too
    while (T* value = front()) {
      (void)value;
      pop();
    }
  }
  SpscRing(const SpscRing&) = delete;
  SpscRing& operator=(const SpscRing&) = delete;

  // ---- the thread that puts in

  // False if the ring is full; `value` is untouched then. Seen by the other thread after publish().
  bool push(T& value) {
    if (tail_ - head_seen_ > mask_) {
      head_seen_ = head_.load(std::memory_order_acquire);
      if (tail_ - head_seen_ > mask_) return false;
    }
    new (&slots_.get()[tail_ & mask_]) T(std::move(value));
    ++tail_;
    return true;
  }
  void publish() { published_.store(tail_, std::memory_order_release); }

  // ---- the thread that takes out

  // The oldest one, null if there is none.
  T* front() {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == published_seen_) {
      published_seen_ = published_.load(std::memory_order_acquire);
      if (head == published_seen_) return nullptr;
    }
    return &slots_.get()[head & mask_];
  }
  void pop() {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    slots_.get()[head & mask_].~T();
    head_.store(head + 1, std::memory_order_release);
  }
  // Also seen before the next front().
  bool empty() const { return head_.load(std::memory_order_relaxed) == published_.load(std::memory_order_acquire); }

 private:
  struct Free {
    void operator()(T* memory) const { std::free(memory); }
  };
  static constexpr std::size_t kLine = 64;

  const std::size_t mask_;
  std::unique_ptr<T, Free> slots_;
  alignas(kLine) std::size_t tail_ = 0;  // of the thread that puts in, and ...
  std::size_t head_seen_ = 0;            // ... what it knows of the other
  alignas(kLine) std::atomic<std::size_t> published_ = 0;
  alignas(kLine) std::atomic<std::size_t> head_ = 0;
  std::size_t published_seen_ = 0;
};

}  // namespace martlet
