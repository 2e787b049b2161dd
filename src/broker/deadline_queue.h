// What is due when. Entries are not taken back: whoever is woken checks whether it still has something to do.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "base/time.h"

namespace martlet::broker {

enum class DueKind : std::uint8_t { connection, session, sys_topics, retained };

struct Due {
  DeadlineMs at_ms;
  DueKind kind;
  std::uint32_t number;      // connection slot or session number
  std::uint32_t generation;  // of the slot or number, so that a later user is not disturbed
  bool operator>(const Due& other) const { return at_ms > other.at_ms; }
};

class DeadlineQueue {
 public:
  void add(const Due& due) {
    if (due.at_ms != kNever) queue_.push(due);
  }
  DeadlineMs next() const { return queue_.empty() ? kNever : queue_.top().at_ms; }
  Due take() {
    Due due = queue_.top();
    queue_.pop();
    return due;
  }
  std::size_t size() const { return queue_.size(); }

 private:
  std::priority_queue<Due, std::vector<Due>, std::greater<>> queue_;
};

}  // namespace martlet::broker
