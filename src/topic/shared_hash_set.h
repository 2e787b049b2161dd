// A multiset of hashes that one thread changes and all others ask, without a lock: "may it be in?". No member is ever
// missed; of others four in a thousand pass for members at worst.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace martlet::topic {

// For readers a Bloom filter, four bits of one 64-bit word a member: one cache line per question. For the writer the
// members with counts, so that it can take bits back and build a filter twice as big. Takes 16 to 32 bytes a member.
class SharedHashSet {
 public:
  SharedHashSet() = default;
  SharedHashSet(const SharedHashSet&) = delete;
  SharedHashSet& operator=(const SharedHashSet&) = delete;

  // These two are the writer's. Counted: what was added twice must be removed twice. A count of kMostCounted stays for
  // ever; so may hashes that agree in their upper 48 bits share one.
  void add(std::uint64_t hash);
  // Requires that it was added and not removed since; nothing happens otherwise.
  void remove(std::uint64_t hash);

  // Any thread. True for every member whose add() happened before; mostly false for others.
  bool may_hold(std::uint64_t hash) const {
    const Filter* filter = filter_.load(std::memory_order_acquire);
    if (!filter) return false;
    const std::uint64_t key = hash >> kCountBits;
    const std::uint64_t bits = pattern(key);
    return (filter->words[word_of(key, filter->words.size())].load(std::memory_order_acquire) & bits) == bits;
  }

  // The writer's: different members, and heap bytes.
  std::size_t size() const { return size_; }
  std::size_t memory_bytes() const;

  static constexpr unsigned kCountBits = 16;
  static constexpr std::uint64_t kMostCounted = (1u << kCountBits) - 1;

 private:
  // The number of words is a power of two and never changes: a reader may hold it for as long as the set exists.
  struct Filter {
    explicit Filter(std::size_t count) : words(count) {}
    std::vector<std::atomic<std::uint64_t>> words;
  };

  static std::uint64_t pattern(std::uint64_t key) {
    return std::uint64_t{1} << (key & 63) | std::uint64_t{1} << (key >> 6 & 63) | std::uint64_t{1} << (key >> 12 & 63) |
           std::uint64_t{1} << (key >> 18 & 63);
  }
  static std::size_t word_of(std::uint64_t key, std::size_t words) { return key >> 24 & (words - 1); }

  std::size_t home_of(std::uint64_t key) const;
  std::size_t find(std::uint64_t key) const;
  std::atomic<std::uint64_t>& word(std::uint64_t key) { return own_->words[word_of(key, own_->words.size())]; }
  void erase_slot(std::size_t hole);
  void grow();

  std::atomic<const Filter*> filter_{nullptr};  // own_, for readers
  std::unique_ptr<Filter> own_;
  // Behind each other those whose bits are in one word, with linear probing: 48 bits of hash and the count; 0: free.
  std::vector<std::uint64_t> slots_;
  std::size_t size_ = 0;
  std::vector<std::unique_ptr<Filter>>
      outgrown_;  // readers may still look at them; together smaller than the present one
};

}  // namespace martlet::topic
