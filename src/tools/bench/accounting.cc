#include "tools/bench/accounting.h"

#include <algorithm>
#include <bit>

namespace martlet::tools::bench {

bool SequenceTracker::note_odd(std::uint64_t sequence, Faults& faults) {
  if (sequence > next_) {
    if (!skipped_) skipped_ = std::make_unique<std::set<std::uint64_t>>();
    while (next_ < sequence) skipped_->insert(skipped_->end(), next_++);
    ++next_;
    return true;
  }
  if (skipped_ && skipped_->erase(sequence) > 0) {
    ++faults.reordered;
    return true;
  }
  ++faults.duplicated;
  return false;
}

std::uint64_t SequenceTracker::missing(std::uint64_t sent) const {
  const std::uint64_t tail = sent > next_ ? sent - next_ : 0;
  return tail + (skipped_ ? skipped_->size() : 0);
}

bool SharedTracker::note(std::uint64_t sequence, Faults& faults) {
  const std::size_t word = sequence / 64;
  const std::uint64_t bit = std::uint64_t{1} << (sequence % 64);
  if (word >= seen_.size()) seen_.resize(word + 1);
  if (seen_[word] & bit) {
    ++faults.duplicated;
    return false;
  }
  seen_[word] |= bit;
  ++count_;
  return true;
}

void SharedTracker::merge(const SharedTracker& other, Faults& faults) {
  seen_.resize(std::max(seen_.size(), other.seen_.size()));
  for (std::size_t i = 0; i < other.seen_.size(); ++i) {
    faults.duplicated += static_cast<std::uint64_t>(std::popcount(seen_[i] & other.seen_[i]));
    count_ += static_cast<std::uint64_t>(std::popcount(other.seen_[i] & ~seen_[i]));
    seen_[i] |= other.seen_[i];
  }
}

std::uint64_t SharedTracker::missing(std::uint64_t sent) const {
  return sent > count_ ? sent - count_ : 0;
}

}  // namespace martlet::tools::bench
