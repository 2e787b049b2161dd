// What the cores of one process share. Everything else is a core's own. Two locks: the retained store's, and that of
// the directory of groups; who holds one takes no other but the log's.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "broker/group_directory.h"
#include "broker/options.h"
#include "broker/retained_store.h"
#include "broker/sys_topics.h"
#include "broker/user_quotas.h"
#include "topic/interest_table.h"

namespace martlet::broker {

class Commons {
 public:
  // `options` outlives it; `cores` from 1 to topic::InterestTable::kMostCores. `seed` keeps strangers from choosing
  // topics that collide.
  Commons(const BrokerOptions& options, std::uint64_t seed, std::uint32_t cores);

  std::uint32_t cores() const { return cores_; }

  // Which cores have subscribers; and which have subscribers whose messages are kept in the log. With several cores
  // only.
  topic::InterestTable& interest() { return *interest_; }
  topic::InterestTable& durable_interest() { return *durable_interest_; }

  // To be used under its lock. A core that stores a retained message asks who is interested under the same lock, and
  // one that subscribes tells so and asks for the store's version under it: then every message reaches the subscription
  // as a retained or as a live one.
  RetainedStore& retained() { return retained_; }
  std::mutex& retained_lock() { return retained_lock_; }

  GroupDirectory& groups() { return groups_; }
  const GroupDirectory& groups() const { return groups_; }

  UserQuotas& users() { return users_; }

  // Clients connected and sessions of all cores, for the limits.
  std::atomic<std::uint64_t> clients_connected = 0;
  std::atomic<std::uint64_t> sessions = 0;
  // Clients connected through one listener.
  std::atomic<std::uint64_t>& clients_of(std::uint32_t listener_index) { return clients_of_[listener_index]; }

  // The figures of one core, as it told them last; the sum of those of all cores but `core`.
  void report(std::uint32_t core, const SysFigures& figures);
  void add_others(std::uint32_t core, SysFigures& to) const;

 private:
  const std::uint32_t cores_;
  std::optional<topic::InterestTable> interest_;
  std::optional<topic::InterestTable> durable_interest_;
  RetainedStore retained_;
  std::mutex retained_lock_;
  GroupDirectory groups_;
  UserQuotas users_;
  std::vector<std::atomic<std::uint64_t>> clients_of_;  // by listener
  mutable std::mutex figures_lock_;
  std::vector<std::optional<SysFigures>> figures_;  // by core
};

}  // namespace martlet::broker
