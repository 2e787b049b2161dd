#include "auth/jwt_key_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/printable.h"

namespace martlet::auth {

JwtKeyStore::JwtKeyStore(JwtKeySet fixed, Fetch fetch, std::int64_t refresh_ms, Report report)
    : fixed_(std::move(fixed)), fetch_(std::move(fetch)), refresh_ms_(refresh_ms), report_(std::move(report)) {
  if (!fetch_) state_.keys = std::make_shared<const JwtKeySet>(fixed_);
}

bool JwtKeyStore::is_slow() const {
  return fetch_ || std::any_of(fixed_.begin(), fixed_.end(), [](const JwtKey& key) { return key.is_slow(); });
}

JwtKeyStore::State JwtKeyStore::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

// A clock that was put back makes old attempts look new: then it is time, too.
bool JwtKeyStore::is_recent(const State& state, std::int64_t wall_ms) {
  return state.attempted && wall_ms >= state.attempt_ms && wall_ms < state.attempt_ms + kRetryMs;
}

bool JwtKeyStore::is_due(const State& state, std::int64_t wall_ms) const {
  if (!fetch_ || is_recent(state, wall_ms)) return false;
  return !state.keys || !state.problem.empty() || wall_ms < state.attempt_ms ||
         wall_ms >= state.attempt_ms + refresh_ms_;
}

Result<std::shared_ptr<const JwtKeySet>> JwtKeyStore::keys(std::int64_t wall_ms) {
  State now = state();
  if (is_due(now, wall_ms)) {
    std::unique_lock one(fetching_, std::defer_lock);
    if (now.keys) {
      static_cast<void>(one.try_lock());
    } else {
      one.lock();
    }
    if (one && is_due(state(), wall_ms)) fetch_keys(wall_ms);
    now = state();
  }
  if (!now.keys) return fail(now.problem);
  return now.keys;
}

std::shared_ptr<const JwtKeySet> JwtKeyStore::newer_than(const std::shared_ptr<const JwtKeySet>& known,
                                                         std::int64_t wall_ms) {
  if (!fetch_) return nullptr;
  const std::lock_guard one(fetching_);
  State now = state();
  if (now.keys == known && !is_recent(now, wall_ms)) {
    fetch_keys(wall_ms);
    now = state();
  }
  return now.keys == known ? nullptr : now.keys;
}

// With fetching_ held.
void JwtKeyStore::fetch_keys(std::int64_t wall_ms) {
  const auto text = fetch_();
  auto keys = text ? parse_jwk_set(*text) : Result<JwtKeySet>(tl::unexpected(text.error()));
  std::string problem;
  std::shared_ptr<const JwtKeySet> fresh;
  if (keys) {
    keys->insert(keys->end(), fixed_.begin(), fixed_.end());
    fresh = std::make_shared<const JwtKeySet>(std::move(*keys));
  } else {
    problem = fmt::format("the key set cannot be had: {}", printable(keys.error().message, kAllChars));
  }
  bool kept = false;
  {
    const std::lock_guard lock(mutex_);
    if (fresh) state_.keys = std::move(fresh);
    state_.attempt_ms = wall_ms;
    state_.attempted = true;
    state_.problem = problem;
    kept = static_cast<bool>(state_.keys);
  }
  if (!problem.empty()) report_(problem + (kept ? "; the keys that are known are used on" : ""));
}

}  // namespace martlet::auth
