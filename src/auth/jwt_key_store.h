// The keys of a jwt provider: those from files, which stay, and those from a URL, which are asked for again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "auth/jwt_key.h"
#include "base/result.h"

namespace martlet::auth {

// Any thread.
class JwtKeyStore {
 public:
  // The text of a JWK Set; may take long.
  using Fetch = std::function<Result<std::string>()>;
  // Tells an operator, on one line, that keys could not be renewed.
  using Report = std::function<void(const std::string& text)>;

  // Time between two attempts while keys cannot be had or a token names an unknown one.
  static constexpr std::int64_t kRetryMs = 10'000;

  // `fetch` may be null: then the keys are `fixed` for ever.
  JwtKeyStore(JwtKeySet fixed, Fetch fetch, std::int64_t refresh_ms, Report report);

  // Whether keys() or a check with one of the keys may take longer than some tens of microseconds.
  bool is_slow() const;
  // The keys as they are known; renewed before that if they are older than refresh_ms, by one of the callers, while the
  // others take the old ones. An Error if there are none at all.
  Result<std::shared_ptr<const JwtKeySet>> keys(std::int64_t wall_ms);
  // For a token whose key is none of `known`: newer ones, unless the last attempt was in the last kRetryMs. Null if
  // there are no others.
  std::shared_ptr<const JwtKeySet> newer_than(const std::shared_ptr<const JwtKeySet>& known, std::int64_t wall_ms);

 private:
  struct State {
    std::shared_ptr<const JwtKeySet> keys;  // null: not had yet
    std::int64_t attempt_ms = 0;            // when they were asked for last
    bool attempted = false;
    std::string problem;  // of the last attempt; empty: it went well
  };

  State state() const;
  bool is_due(const State& state, std::int64_t wall_ms) const;
  static bool is_recent(const State& state, std::int64_t wall_ms);
  void fetch_keys(std::int64_t wall_ms);

  const JwtKeySet fixed_;
  const Fetch fetch_;
  const std::int64_t refresh_ms_;
  const Report report_;
  std::mutex fetching_;       // one asks at a time; taken before mutex_
  mutable std::mutex mutex_;  // guards state_
  State state_;
};

}  // namespace martlet::auth
