#include "auth/access_shadow.h"

#include <algorithm>

namespace martlet::auth {

void ShadowTable::add(const ShadowDifference& difference) {
  {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock()) {
      missed_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    Key key(difference.who, difference.is_user, difference.action, difference.would_allow, difference.rule);
    const auto found = lines_.find(key);
    if (found != lines_.end()) {
      ++found->second.count;
      return;
    }
    if (lines_.size() == kMaxLines) {
      missed_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    lines_.emplace(std::move(key), difference).first->second.count = 1;
  }
  if (first_seen_) first_seen_(difference);
}

std::vector<ShadowDifference> ShadowTable::lines() const {
  std::vector<ShadowDifference> lines;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, line] : lines_) lines.push_back(line);
  }
  std::ranges::stable_sort(lines, std::ranges::greater(), &ShadowDifference::count);
  return lines;
}

}  // namespace martlet::auth
