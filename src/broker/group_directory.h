// Shared subscriptions of all cores: each core knows its own members, this tells which core serves a message [4.8.2].
// Used by all cores; its lock is held for the calls alone and no other is taken inside.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/random.h"
#include "broker/options.h"
#include "topic/subscription_index.h"

namespace martlet::broker {

class GroupDirectory {
 public:
  struct Choice {
    std::uint32_t group = 0;
    std::uint32_t core = 0;
    bool kept = false;  // some members there are persistent
  };

  GroupDirectory(SharedStrategy strategy, std::uint32_t cores, std::uint64_t seed);

  // Core `core` has its first member of the shared subscription `share` ("$share/NAME/FILTER"), or its last one is
  // gone. Nothing if no more filters can be kept; else the group's number, from 1, the same for all cores.
  std::optional<std::uint32_t> enter(std::string_view share, std::string_view filter, std::uint32_t core);
  void leave(std::uint32_t group, std::uint32_t core);
  // The members of `core` became more or fewer by so many: all, those connected, those of persistent sessions.
  struct Change {
    int all = 0;
    int connected = 0;
    int kept = 0;
  };
  void count(std::uint32_t group, std::uint32_t core, const Change& change);

  // True if there is any group: without a lock.
  bool any() const { return groups_in_use_.load(std::memory_order_acquire) != 0; }
  // Appends, for each group that matches, which core serves a message from the client with the hash `publisher`: one
  // with connected members if there is any.
  void choose(std::string_view topic, std::uint64_t publisher, std::vector<Choice>& to);
  // A core other than `except` that serves the group's next message; with `connected`, only one with connected
  // members.
  std::optional<std::uint32_t> another(std::uint32_t group, std::uint32_t except, bool connected);
  // As subscribed; empty for a group that is gone.
  std::string share_of(std::uint32_t group) const;
  std::uint32_t find(std::string_view share) const;  // 0: there is none
  bool contains(std::uint32_t group) const;
  // Whether a member on another core than `core` is connected.
  bool connected_elsewhere(std::uint32_t group, std::uint32_t core) const;
  // The cores, as bits, that have members.
  std::uint64_t cores_of(std::uint32_t group) const;
  std::size_t size() const;

 private:
  struct Members {
    std::uint32_t all = 0;
    std::uint32_t connected = 0;
    std::uint32_t kept = 0;
    bool entered = false;
  };
  struct Group {
    std::string share;
    std::string filter;
    std::vector<Members> by_core;
    std::uint64_t next = 0;  // round robin
  };
  std::optional<std::uint32_t> pick(Group& group, std::uint64_t turn, std::uint32_t except, bool connected) const;
  std::uint64_t turn_of(Group& group, std::string_view topic, std::uint64_t publisher);

  const SharedStrategy strategy_;
  const std::uint32_t cores_;
  std::atomic<std::size_t> groups_in_use_ = 0;
  mutable std::mutex mutex_;  // guards what follows
  Random random_;
  std::uint32_t last_id_ = 0;
  std::unordered_map<std::uint32_t, Group> groups_;
  std::unordered_map<std::string, std::uint32_t, SeededHash, std::equal_to<>> ids_;
  topic::SubscriptionIndex filters_;
};

}  // namespace martlet::broker
