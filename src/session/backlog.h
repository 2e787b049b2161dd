// Deliveries that wait with no more than their place in the log: runs of neighbours that are alike, 24 bytes a run, so
// that a million messages which follow each other in the log take as much memory as one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "wire/types.h"

namespace martlet::session {

// A delivery whose message is in the log. As in Delivery; `identifier` is its subscription identifier, 0 for none,
// kManyIdentifiers when the log has to be asked for them.
struct LoggedDelivery {
  std::uint64_t position = 0;
  std::uint32_t origin = 0;
  std::uint32_t identifier = 0;
  wire::QoS qos = wire::QoS::at_least_once;
  bool retain = false;

  bool operator==(const LoggedDelivery&) const = default;
};
inline constexpr std::uint32_t kManyIdentifiers = 0xFFFF'FFFF;  // no identifier is as large [3.8.2.1.2]

// First in, first out. Positions only rise from front to back.
class Backlog {
 public:
  Backlog() = default;
  Backlog(Backlog&& other) noexcept { swap(other); }
  Backlog& operator=(Backlog&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Backlog() { clear(); }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  // Heap bytes held.
  std::size_t memory_bytes() const;

  // `delivery.position` is above that of the last one.
  void push_back(const LoggedDelivery& delivery);
  // `delivery.position` is below that of the first one: it was taken out before.
  void push_front(const LoggedDelivery& delivery);
  // Of a backlog that is not empty.
  LoggedDelivery front() const;
  void pop_front();
  // Drops all below `position`; returns how many.
  std::size_t drop_below(std::uint64_t position);
  void clear();

  // Calls visit(const LoggedDelivery&) for each in order.
  template <class Visitor>
  void for_each(Visitor&& visit) const;
  // Takes out, in order, the first `most` for which take(const LoggedDelivery&) is true.
  template <class Take>
  void remove_if(Take&& take, std::size_t most);

 private:
  struct Run {
    std::uint64_t position;  // of the first
    std::uint32_t count;
    std::uint32_t origin;
    std::uint32_t identifier;
    wire::QoS qos;
    bool retain;
  };
  static_assert(sizeof(Run) == 24);
  struct Chunk {
    std::unique_ptr<Run[]> runs;
    std::unique_ptr<Chunk> next;
    std::uint32_t capacity = 0;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };

  static LoggedDelivery at(const Run& run, std::uint32_t index) {
    return {run.position + index, run.origin, run.identifier, run.qos, run.retain};
  }
  static Run run_of(const LoggedDelivery& delivery) {
    return {delivery.position, 1, delivery.origin, delivery.identifier, delivery.qos, delivery.retain};
  }
  static bool alike(const Run& run, const LoggedDelivery& delivery);
  void drop_from_front(std::uint32_t count);
  // Puts `earlier`, all below what is here, before it.
  void prepend(Backlog earlier);
  void swap(Backlog& other) noexcept {
    std::swap(first_, other.first_);
    std::swap(last_, other.last_);
    std::swap(size_, other.size_);
  }

  std::unique_ptr<Chunk> first_;
  Chunk* last_ = nullptr;
  std::size_t size_ = 0;
};

template <class Visitor>
void Backlog::for_each(Visitor&& visit) const {
  for (const Chunk* chunk = first_.get(); chunk; chunk = chunk->next.get()) {
    for (std::uint32_t i = chunk->begin; i < chunk->end; ++i) {
      for (std::uint32_t j = 0; j < chunk->runs[i].count; ++j) visit(at(chunk->runs[i], j));
    }
  }
}

template <class Take>
void Backlog::remove_if(Take&& take, std::size_t most) {
  Backlog kept;
  while (!empty() && most > 0) {
    const LoggedDelivery delivery = front();
    pop_front();
    if (take(delivery)) {
      --most;
    } else {
      kept.push_back(delivery);
    }
  }
  prepend(std::move(kept));
}

}  // namespace martlet::session
