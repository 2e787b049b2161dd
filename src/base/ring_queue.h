// First-in first-out queue on one growing array. Empty, it owns no memory; std::deque would hold a page for every idle
// session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/check.h"

namespace martlet {

// T is movable and default-constructible.
template <class T>
class RingQueue {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  T& operator[](std::size_t index) { return slots_[(head_ + index) & (capacity_ - 1)]; }
  const T& operator[](std::size_t index) const { return slots_[(head_ + index) & (capacity_ - 1)]; }
  T& front() { return (*this)[0]; }

  void push_back(T value) {
    if (size_ == capacity_) grow();
    (*this)[size_++] = std::move(value);
  }

  T pop_front() {
    check(size_ > 0, "a queue that is popped holds something");
    T value = std::move(front());
    front() = T();
    head_ = (head_ + 1) & (capacity_ - 1);
    --size_;
    if (size_ == 0 && capacity_ > kKeptSlots) clear();
    return value;
  }

  // Moves out, in order, each element for which take(element) is true.
  template <class Take, class Consume>
  void extract_if(Take&& take, Consume&& consume) {
    std::uint32_t kept = 0;
    for (std::size_t i = 0; i < size_; ++i) {
      T& element = (*this)[i];
      if (take(element)) {
        consume(std::move(element));
        element = T();
      } else {
        if (kept != i) (*this)[kept] = std::exchange(element, T());
        ++kept;
      }
    }
    size_ = kept;
  }

  void clear() {
    slots_.reset();
    capacity_ = head_ = size_ = 0;
  }

 private:
  static constexpr std::uint32_t kFirstSlots = 4;
  static constexpr std::uint32_t kKeptSlots = 64;  // a larger array is given back when the queue runs empty

  void grow() {
    check(size_ < 1u << 31, "a queue has fewer than 2^31 elements");
    const std::uint32_t capacity = capacity_ == 0 ? kFirstSlots : capacity_ * 2;
    auto slots = std::make_unique<T[]>(capacity);
    for (std::size_t i = 0; i < size_; ++i) slots[i] = std::move((*this)[i]);
    slots_ = std::move(slots);
    capacity_ = capacity;
    head_ = 0;
  }

  std::unique_ptr<T[]> slots_;
  std::uint32_t capacity_ = 0;
  std::uint32_t head_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace martlet
