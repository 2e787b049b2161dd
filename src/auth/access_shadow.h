// What a shadow would have decided otherwise on live traffic.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "auth/access_source.h"

namespace martlet::auth {

// One user (or client without a user name), one kind of action and one rule of the shadow: what it would change.
struct ShadowDifference {
  std::string who;
  bool is_user = false;  // else a client identifier
  Action action = Action::publish;
  bool would_allow = false;  // the shadow; the real decision was the opposite
  const char* rule = "";     // of the shadow
  const char* real_rule = "";
  std::string topic;  // of the first time
  std::uint64_t count = 0;
};

// Any thread, several at once.
class ShadowTable {
 public:
  static constexpr std::size_t kMaxLines = 1'000;
  // Called once for each new line, so at most kMaxLines times; in the thread of the traffic, so it must be quick.
  using FirstSeen = std::function<void(const ShadowDifference&)>;

  explicit ShadowTable(FirstSeen first_seen) : first_seen_(std::move(first_seen)) {}

  // `difference.count` does not matter. Never waits: while another thread is in here it is only counted as missed.
  void add(const ShadowDifference& difference);

  // The most frequent first.
  std::vector<ShadowDifference> lines() const;
  // Differences that have no line: the table was full, or another thread was in here.
  std::uint64_t missed() const { return missed_.load(std::memory_order_relaxed); }

 private:
  using Key = std::tuple<std::string, bool, Action, bool, const char*>;

  FirstSeen first_seen_;
  std::atomic<std::uint64_t> missed_{0};
  mutable std::mutex mutex_;
  std::map<Key, ShadowDifference> lines_;
};

}  // namespace martlet::auth
