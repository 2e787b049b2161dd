#include "broker/group_directory.h"

#include <algorithm>

#include "base/check.h"

namespace martlet::broker {

GroupDirectory::GroupDirectory(SharedStrategy strategy, std::uint32_t cores, std::uint64_t seed)
    : strategy_(strategy),
      cores_(cores),
      random_(seed),
      ids_(0, SeededHash{random_.next()}),
      filters_(random_.next()) {}

std::optional<std::uint32_t> GroupDirectory::enter(std::string_view share, std::string_view filter,
                                                   std::uint32_t core) {
  const std::lock_guard lock(mutex_);
  auto at = ids_.find(share);
  if (at == ids_.end()) {
    // With one core the broker's own index has the filter.
    if (cores_ > 1 && filters_.add(filter, {last_id_ + 1, 0, 0}) == topic::AddOutcome::full) return std::nullopt;
    at = ids_.emplace(share, ++last_id_).first;
    Group& group = groups_[at->second];
    group.share = share;
    group.filter = filter;
    group.by_core.resize(cores_);
    groups_in_use_.store(groups_.size(), std::memory_order_release);
  }
  groups_.at(at->second).by_core[core].entered = true;
  return at->second;
}

void GroupDirectory::leave(std::uint32_t id, std::uint32_t core) {
  const std::lock_guard lock(mutex_);
  const auto at = groups_.find(id);
  if (at == groups_.end()) return;
  Group& group = at->second;
  group.by_core[core] = {};
  const auto is_in = [](const Members& members) { return members.entered; };
  if (std::any_of(group.by_core.begin(), group.by_core.end(), is_in)) return;
  if (cores_ > 1) filters_.remove(group.filter, id);
  ids_.erase(group.share);
  groups_.erase(at);
  groups_in_use_.store(groups_.size(), std::memory_order_release);
}

void GroupDirectory::count(std::uint32_t id, std::uint32_t core, const Change& change) {
  if (cores_ == 1) return;  // nobody asks
  const std::lock_guard lock(mutex_);
  const auto at = groups_.find(id);
  if (at == groups_.end()) return;
  Members& own = at->second.by_core[core];
  own.all += static_cast<std::uint32_t>(change.all);
  own.connected += static_cast<std::uint32_t>(change.connected);
  own.kept += static_cast<std::uint32_t>(change.kept);
}

// Which member's turn it is, counted over all of them; the core that has it serves.
std::uint64_t GroupDirectory::turn_of(Group& group, std::string_view topic, std::uint64_t publisher) {
  switch (strategy_) {
    case SharedStrategy::random:
      return random_.next();
    case SharedStrategy::hash_topic:
      return hash_bytes(topic);
    case SharedStrategy::hash_client:
      return publisher >> 1;
    case SharedStrategy::sticky:
      return 0;
    case SharedStrategy::round_robin:
    case SharedStrategy::least_in_flight:
      break;
  }
  return group.next++;
}

std::optional<std::uint32_t> GroupDirectory::pick(Group& group, std::uint64_t turn, std::uint32_t except,
                                                  bool connected) const {
  const auto weight = [&](std::uint32_t core) -> std::uint64_t {
    if (core == except) return 0;
    const Members& members = group.by_core[core];
    return connected ? members.connected : members.all;
  };
  std::uint64_t sum = 0;
  for (std::uint32_t core = 0; core < cores_; ++core) sum += weight(core);
  if (sum == 0) return std::nullopt;
  std::uint64_t left = turn % sum;
  for (std::uint32_t core = 0; core < cores_; ++core) {
    if (left < weight(core)) return core;
    left -= weight(core);
  }
  return std::nullopt;
}

void GroupDirectory::choose(std::string_view topic, std::uint64_t publisher, std::vector<Choice>& to) {
  const std::lock_guard lock(mutex_);
  filters_.match(topic, [&](const topic::Subscription& subscription) {
    Group& group = groups_.at(subscription.subscriber);
    const std::uint64_t turn = turn_of(group, topic, publisher);
    auto core = pick(group, turn, cores_, true);
    if (!core) core = pick(group, turn, cores_, false);
    if (core) to.push_back({subscription.subscriber, *core, group.by_core[*core].kept > 0});
  });
}

std::optional<std::uint32_t> GroupDirectory::another(std::uint32_t id, std::uint32_t except, bool connected) {
  if (cores_ == 1) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto at = groups_.find(id);
  if (at == groups_.end()) return std::nullopt;
  return pick(at->second, at->second.next++, except, connected);
}

std::string GroupDirectory::share_of(std::uint32_t id) const {
  const std::lock_guard lock(mutex_);
  const auto at = groups_.find(id);
  return at == groups_.end() ? std::string() : at->second.share;
}

std::uint32_t GroupDirectory::find(std::string_view share) const {
  const std::lock_guard lock(mutex_);
  const auto at = ids_.find(share);
  return at == ids_.end() ? 0 : at->second;
}

bool GroupDirectory::contains(std::uint32_t id) const {
  const std::lock_guard lock(mutex_);
  return groups_.contains(id);
}

bool GroupDirectory::connected_elsewhere(std::uint32_t id, std::uint32_t core) const {
  if (cores_ == 1) return false;
  const std::lock_guard lock(mutex_);
  const auto at = groups_.find(id);
  if (at == groups_.end()) return false;
  for (std::uint32_t other = 0; other < cores_; ++other) {
    if (other != core && at->second.by_core[other].connected > 0) return true;
  }
  return false;
}

std::uint64_t GroupDirectory::cores_of(std::uint32_t id) const {
  const std::lock_guard lock(mutex_);
  const auto at = groups_.find(id);
  if (at == groups_.end()) return 0;
  std::uint64_t cores = 0;
  for (std::uint32_t core = 0; core < cores_; ++core) {
    if (at->second.by_core[core].all > 0) cores |= std::uint64_t{1} << core;
  }
  return cores;
}

std::size_t GroupDirectory::size() const {
  return groups_in_use_.load(std::memory_order_acquire);
}

}  // namespace martlet::broker
