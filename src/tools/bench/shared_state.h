// What the threads of a run tell each other.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace martlet::tools::bench {

// Only what is stored first goes through leaving and what is behind `running`; retained leaves after it has collected.
enum class Phase : std::uint8_t { connecting, subscribing, leaving, running, collecting, cleaning, done };

class SharedState {
 public:
  SharedState(std::uint32_t publisher_count, unsigned thread_count)
      : publishers(publisher_count),
        threads(thread_count),
        delivered_(new std::atomic<std::uint64_t>[std::size_t{publisher_count} * thread_count]()) {}

  // Deliveries of publisher `publisher`'s messages to the subscribers of thread `thread`, which alone adds to it.
  std::uint64_t delivered(unsigned thread, std::uint32_t publisher) const {
    return delivered_[std::size_t{thread} * publishers + publisher].load(std::memory_order_relaxed);
  }
  void add_delivered(unsigned thread, std::uint32_t publisher) {
    std::atomic<std::uint64_t>& count = delivered_[std::size_t{thread} * publishers + publisher];
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  const std::uint32_t publishers;
  const unsigned threads;

  std::atomic<Phase> phase{Phase::connecting};
  // Written by the coordinator before the phase `running`.
  std::uint64_t start_ns = 0;
  std::uint64_t measure_from_ns = 0;
  std::uint64_t measure_to_ns = 0;
  std::uint64_t connect_from_ns = 0;

 private:
  std::unique_ptr<std::atomic<std::uint64_t>[]> delivered_;
};

// Of one worker, written by it once a turn; on a cache line of its own.
struct alignas(64) WorkerProgress {
  std::atomic<std::uint64_t> connected{0};
  std::atomic<std::uint64_t> subscribed{0};  // filters
  std::atomic<std::uint64_t> sent{0};
  std::atomic<std::uint64_t> received{0};
  std::atomic<std::uint64_t> acknowledged{0};
  std::atomic<std::uint64_t> lost{0};
  // 1: its connections are up, 2: subscribed as well. Offline: 3: the subscribers left, 4: all messages are
  // acknowledged, 5: the subscribers are back, 6: their sessions are removed. Retained: 4 and 5 alike,
  // 6: the subscribers left, 7: the messages are removed.
  std::atomic<unsigned> phases_over{0};
  std::atomic<bool> all_sent{false};  // nothing more is owed
  std::atomic<bool> failed{false};
};

}  // namespace martlet::tools::bench
