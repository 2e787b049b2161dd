// What is due when. Entries are not taken back: whoever is woken checks whether it still has something to do.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/time.h"

namespace martlet::broker {

enum class DueKind : std::uint8_t { connection, session, service, hand_over, sys_topics, retained_sweep, checkpoint };

// Every connection has one: 16 bytes.
struct Due {
  Due(DeadlineMs at_ms_, DueKind kind_, std::uint32_t number_, std::uint32_t generation_)
      : at_ms(at_ms_), number(number_ & kMaxNumber), kind(kind_), generation(generation_) {}

  static constexpr std::uint32_t kMaxNumber = (1u << 28) - 1;

  DeadlineMs at_ms;
  std::uint32_t number : 28;  // connection slot or session number
  DueKind kind : 4;
  std::uint32_t generation;  // of the slot or number, so that a later user is not disturbed
  bool operator>(const Due& other) const { return at_ms > other.at_ms; }
};

class DeadlineQueue {
 public:
  void add(const Due& due) {
    if (due.at_ms == kNever) return;
    heap_.push_back(due);
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  }
  DeadlineMs next() const { return heap_.empty() ? kNever : heap_.front().at_ms; }
  // The earliest; there must be one.
  Due take() {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    const Due due = heap_.back();
    heap_.pop_back();
    return due;
  }
  // Drops the entries for which keep(entry) is false.
  template <class Keep>
  void keep_if(Keep&& keep) {
    std::erase_if(heap_, [&](const Due& due) { return !keep(due); });
    std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
  }
  std::size_t size() const { return heap_.size(); }

 private:
  std::vector<Due> heap_;  // earliest first
};

}  // namespace martlet::broker
