#include "session/alias.h"

#include <algorithm>

#include "base/hash.h"

namespace martlet::session {

void IncomingAliases::define(std::uint16_t alias, std::string_view topic) {
  if (!topics_) topics_ = std::make_unique<std::vector<std::string>>();
  if (topics_->size() < alias) topics_->resize(alias);
  (*topics_)[alias - 1u] = topic;
}

std::optional<std::string_view> IncomingAliases::find(std::uint16_t alias) const {
  if (alias == 0 || !topics_ || alias > topics_->size() || (*topics_)[alias - 1u].empty()) return std::nullopt;
  return (*topics_)[alias - 1u];
}

void OutgoingAliases::set_maximum(std::uint16_t maximum) {
  maximum_ = std::min(maximum, kMostUsed);
}

OutgoingAliases::Choice OutgoingAliases::choose(std::string_view topic) {
  if (maximum_ == 0 || topic.size() < kShortestTopic) return {};
  const std::uint64_t hash = hash_bytes(topic);
  if (!used_) used_ = std::make_unique<Used>();
  std::vector<Entry>& entries = used_->entries;
  const std::uint64_t uses = ++used_->uses;
  std::size_t oldest = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    Entry& entry = entries[i];
    if (entry.hash == hash && entry.topic == topic) {
      entry.last_used = uses;
      return {static_cast<std::uint16_t>(i + 1), true};
    }
    if (entry.last_used < entries[oldest].last_used) oldest = i;
  }
  if (entries.size() < maximum_) {
    entries.push_back({hash, uses, std::string(topic)});
    return {static_cast<std::uint16_t>(entries.size()), false};
  }
  // With more topics in turn than aliases, replacing at once would only add bytes to every packet.
  if (uses - entries[oldest].last_used < std::uint64_t{maximum_} * 16) return {};
  entries[oldest] = {hash, uses, std::string(topic)};
  return {static_cast<std::uint16_t>(oldest + 1), false};
}

}  // namespace martlet::session
