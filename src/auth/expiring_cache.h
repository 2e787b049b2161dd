// Remembers values for a time: bounded by entries and bytes, the least recently used goes first. Any thread; one lock,
// held for a look-up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/hash.h"

namespace martlet::auth {

template <class Value>
class ExpiringCache {
 public:
  // `seed`: so that strangers cannot choose keys that collide.
  ExpiringCache(std::size_t max_entries, std::size_t max_bytes, std::uint64_t seed)
      : max_entries_(max_entries), max_bytes_(max_bytes), index_(0, SeededHash{seed}) {}

  // The value of `key` unless its time is over.
  std::optional<Value> find(std::string_view key, std::int64_t mono_ms) {
    const std::scoped_lock lock(mutex_);
    const auto found = index_.find(key);
    if (found == index_.end()) return std::nullopt;
    if (found->second->until_ms <= mono_ms) {
      erase(found->second);
      return std::nullopt;
    }
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->value;
  }

  // Replaces what `key` had. `value_bytes`: what the value owns on the heap. What alone would not fit is not kept.
  void put(std::string_view key, Value value, std::size_t value_bytes, std::int64_t until_ms) {
    const std::size_t bytes = key.size() + value_bytes + kEntryBytes;
    const std::scoped_lock lock(mutex_);
    if (const auto found = index_.find(key); found != index_.end()) erase(found->second);
    if (bytes > max_bytes_ || max_entries_ == 0) return;
    while (entries_.size() >= max_entries_ || bytes_ + bytes > max_bytes_) erase(std::prev(entries_.end()));
    entries_.push_front({std::string(key), std::move(value), bytes, until_ms});
    index_.emplace(entries_.front().key, entries_.begin());
    bytes_ += bytes;
  }

  std::size_t size() const {
    const std::scoped_lock lock(mutex_);
    return entries_.size();
  }

 private:
  struct Entry {
    std::string key;
    Value value;
    std::size_t bytes;
    std::int64_t until_ms;
  };
  using Place = typename std::list<Entry>::iterator;
  static constexpr std::size_t kEntryBytes = sizeof(Entry) + 64;  // with the nodes of list and index

  void erase(Place place) {
    bytes_ -= place->bytes;
    index_.erase(place->key);
    entries_.erase(place);
  }

  mutable std::mutex mutex_;
  const std::size_t max_entries_;
  const std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::list<Entry> entries_;                                       // the most recently used first
  std::unordered_map<std::string_view, Place, SeededHash> index_;  // views of the entries' keys
};

}  // namespace martlet::auth
