// A provider's answers for a while, so that clients which reconnect do not all ask the service again. What a client
// said is not kept: entries are found by an HMAC-SHA-256 of it, with a key that nobody knows. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "auth/expiring_cache.h"
#include "auth/provider.h"
#include "base/time.h"
#include "env/entropy.h"

namespace martlet::auth {

class AnswerCache {
 public:
  static constexpr std::size_t kMaxEntries = 10'000;
  static constexpr std::size_t kMaxBytes = std::size_t{32} << 20;
  // A refusal and "unknown" are remembered no longer than this: who was just added is soon let in.
  static constexpr std::uint32_t kLongestNegativeS = 5;

  // What of the client decides besides user name, password and client identifier.
  enum class Scope : std::uint8_t {
    claim,      // nothing
    transport,  // listener, address (without the port) and certificate too: the service is told of them
  };
  using Key = std::array<std::uint8_t, 32>;

  // `cache_s`: how long an answer is good; 0: nothing is kept.
  AnswerCache(env::Entropy& entropy, std::string_view provider, Scope scope, std::uint32_t cache_s);

  bool enabled() const { return cache_s_ != 0; }
  Key key_of(const Credentials& credentials) const;
  // No answer that is over by now, and no allowance that has expired.
  std::optional<Opinion> find(const Key& key, const Now& now);
  // Failures are not kept.
  void put(const Key& key, const Opinion& opinion, const Now& now);
  std::size_t size() const { return answers_.size(); }

 private:
  const std::string provider_;
  const Scope scope_;
  const std::uint32_t cache_s_;
  std::array<std::uint8_t, 32> secret_{};
  ExpiringCache<Opinion> answers_;
};

}  // namespace martlet::auth
