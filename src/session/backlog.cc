#include "session/backlog.h"

#include <algorithm>

#include "base/check.h"

namespace martlet::session {
namespace {

constexpr std::uint32_t kFirstRuns = 2;
constexpr std::uint32_t kMostRuns = 340;  // 8 KiB

}  // namespace

bool Backlog::alike(const Run& run, const LoggedDelivery& delivery) {
  return run.origin == delivery.origin && run.identifier == delivery.identifier && run.qos == delivery.qos &&
         run.retain == delivery.retain;
}

void Backlog::push_back(const LoggedDelivery& delivery) {
  ++size_;
  if (last_ && last_->begin < last_->end) {
    Run& run = last_->runs[last_->end - 1];
    check(delivery.position >= run.position + run.count, "a backlog is filled in the order of the log");
    if (delivery.position == run.position + run.count && run.count != 0xFFFF'FFFF && alike(run, delivery)) {
      ++run.count;
      return;
    }
  }
  if (!last_ || last_->end == last_->capacity) {
    auto chunk = std::make_unique<Chunk>();
    chunk->capacity = last_ ? std::min(last_->capacity * 2, kMostRuns) : kFirstRuns;
    chunk->runs = std::make_unique_for_overwrite<Run[]>(chunk->capacity);
    Chunk* added = chunk.get();
    (last_ ? last_->next : first_) = std::move(chunk);
    last_ = added;
  }
  last_->runs[last_->end++] = run_of(delivery);
}

void Backlog::push_front(const LoggedDelivery& delivery) {
  if (empty()) return push_back(delivery);
  ++size_;
  Run& front = first_->runs[first_->begin];
  check(delivery.position < front.position, "what is put back comes before the rest");
  if (delivery.position + 1 == front.position && front.count != 0xFFFF'FFFF && alike(front, delivery)) {
    --front.position;
    ++front.count;
    return;
  }
  if (first_->begin == 0) {
    auto chunk = std::make_unique<Chunk>();
    chunk->capacity = chunk->begin = chunk->end = kFirstRuns;
    chunk->runs = std::make_unique_for_overwrite<Run[]>(kFirstRuns);
    chunk->next = std::move(first_);
    first_ = std::move(chunk);
  }
  first_->runs[--first_->begin] = run_of(delivery);
}

void Backlog::prepend(Backlog earlier) {
  if (earlier.empty()) return;
  if (empty()) return swap(earlier);
  earlier.last_->next = std::move(first_);
  earlier.last_ = last_;
  earlier.size_ += size_;
  size_ = 0;
  last_ = nullptr;
  swap(earlier);
}

LoggedDelivery Backlog::front() const {
  check(!empty(), "a backlog that is read holds something");
  return at(first_->runs[first_->begin], 0);
}

void Backlog::drop_from_front(std::uint32_t count) {
  Run& run = first_->runs[first_->begin];
  size_ -= count;
  if (count < run.count) {
    run.position += count;
    run.count -= count;
    return;
  }
  if (++first_->begin < first_->end) return;
  first_ = std::move(first_->next);
  if (!first_) last_ = nullptr;
}

void Backlog::pop_front() {
  check(!empty(), "a backlog that is popped holds something");
  drop_from_front(1);
}

std::size_t Backlog::drop_below(std::uint64_t position) {
  const std::size_t before = size_;
  while (!empty()) {
    const Run& run = first_->runs[first_->begin];
    if (run.position >= position) break;
    drop_from_front(static_cast<std::uint32_t>(std::min<std::uint64_t>(run.count, position - run.position)));
  }
  return before - size_;
}

void Backlog::clear() {
  // One by one: a long chain would not end its own recursion.
  while (first_) first_ = std::move(first_->next);
  last_ = nullptr;
  size_ = 0;
}

std::size_t Backlog::memory_bytes() const {
  std::size_t bytes = 0;
  for (const Chunk* chunk = first_.get(); chunk; chunk = chunk->next.get()) {
    bytes += sizeof(Chunk) + chunk->capacity * sizeof(Run);
  }
  return bytes;
}

}  // namespace martlet::session
