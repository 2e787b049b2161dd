// A small log-linear histogram: sixteen buckets for each power of two, so a quantile is off by at most a sixteenth. One
// thread records, any thread reads; neither waits.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace martlet {

class Histogram {
 public:
  // Values from here on are counted in the last bucket: 2^40, 18 minutes in nanoseconds.
  static constexpr std::uint64_t kValueLimit = std::uint64_t{1} << 40;

  // One thread at a time.
  void record(std::uint64_t value) {
    bump(counts_[bucket_of(value)], 1);
    bump(sum_, value);
    bump(count_, 1);
    if (value > max_.load(std::memory_order_relaxed)) max_.store(value, std::memory_order_relaxed);
  }

  // Counts in all that `other` has counted. One thread at a time.
  void add(const Histogram& other) {
    for (std::size_t i = 0; i < kBuckets; ++i) bump(counts_[i], other.counts_[i].load(std::memory_order_relaxed));
    bump(sum_, other.sum());
    bump(count_, other.count());
    if (other.max() > max()) max_.store(other.max(), std::memory_order_relaxed);
  }

  // Readings, any thread; while another records they may be one value apart from each other.
  std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  std::uint64_t sum() const { return sum_.load(std::memory_order_relaxed); }
  std::uint64_t max() const { return max_.load(std::memory_order_relaxed); }

  // The value that `share` (0 to 1) of all recorded values do not exceed, rounded up to its bucket's end; 0 when empty.
  std::uint64_t quantile(double share) const {
    std::uint64_t total = 0;
    for (const auto& bucket : counts_) total += bucket.load(std::memory_order_relaxed);
    if (total == 0) return 0;
    const auto wanted =
        static_cast<std::uint64_t>(std::llround(std::clamp(share, 0.0, 1.0) * static_cast<double>(total)));
    const std::uint64_t rank = std::clamp<std::uint64_t>(wanted, 1, total);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      seen += counts_[i].load(std::memory_order_relaxed);
      if (seen >= rank) return std::min(highest_in(i), max());
    }
    return max();
  }

  // How many recorded values are at most `value`, rounded to whole buckets: for a metric with fixed bounds.
  std::uint64_t count_up_to(std::uint64_t value) const {
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets && highest_in(i) <= value; ++i) {
      seen += counts_[i].load(std::memory_order_relaxed);
    }
    return seen;
  }

 private:
  static constexpr unsigned kStepBits = 4;
  static constexpr std::size_t kSteps = std::size_t{1} << kStepBits;
  static constexpr std::size_t kBuckets = (40 - kStepBits + 1) * kSteps;

  static void bump(std::atomic<std::uint64_t>& counter, std::uint64_t by) {
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }

  static std::size_t bucket_of(std::uint64_t value) {
    value = std::min(value, kValueLimit - 1);
    if (value < kSteps) return static_cast<std::size_t>(value);
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kStepBits;
    return (shift + 1) * kSteps + static_cast<std::size_t>((value >> shift) - kSteps);
  }

  static std::uint64_t highest_in(std::size_t bucket) {
    if (bucket < kSteps) return bucket;
    const std::size_t shift = bucket / kSteps - 1;
    return ((kSteps + bucket % kSteps + 1) << shift) - 1;
  }

  std::array<std::atomic<std::uint64_t>, kBuckets> counts_{};
  std::atomic<std::uint64_t> count_{0};
  std::atomic<std::uint64_t> sum_{0};
  std::atomic<std::uint64_t> max_{0};
};

}  // namespace martlet
