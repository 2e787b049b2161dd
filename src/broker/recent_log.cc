#include "broker/recent_log.h"

#include <algorithm>

#include "base/check.h"

namespace martlet::broker {

void RecentLog::push(std::uint64_t position, const session::MessageRef& message) {
  check(entries_.empty() || position > entries_.back().position, "the log only grows");
  entries_.push_back({position, message, nullptr, sizeof(Entry) + message->footprint_bytes()});
  bytes_ += entries_.back().cost_bytes;
}

void RecentLog::withdraw() {
  check(!entries_.empty(), "what is withdrawn was pushed");
  bytes_ -= entries_.back().cost_bytes;
  entries_.pop_back();
}

void RecentLog::keep_identifiers(std::uint64_t session_key, const session::SubscriptionIdentifiers& identifiers) {
  Entry& entry = entries_.back();
  if (!entry.identifiers) entry.identifiers = std::make_unique<ManyIdentifiers>();
  entry.identifiers->emplace_back(session_key, identifiers);
  const std::uint64_t bytes = sizeof(ManyIdentifiers::value_type) + identifiers.view().size_bytes();
  entry.cost_bytes += bytes;
  bytes_ += bytes;
}

const RecentLog::Entry* RecentLog::find(std::uint64_t position) const {
  if (entries_.empty() || position < entries_.front().position) return nullptr;
  // Mostly positions follow each other without a gap.
  const std::uint64_t index = position - entries_.front().position;
  if (index < entries_.size() && entries_[index].position == position) return &entries_[index];
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), position,
                                   [](const Entry& entry, std::uint64_t wanted) { return entry.position < wanted; });
  return at != entries_.end() && at->position == position ? &*at : nullptr;
}

void RecentLog::shrink(std::uint64_t max_bytes, std::uint64_t unreadable) {
  while (bytes_ > max_bytes && !entries_.empty() && entries_.front().position < unreadable) {
    bytes_ -= entries_.front().cost_bytes;
    entries_.pop_front();
  }
}

}  // namespace martlet::broker
