// How fast a client, or all clients of a user, may publish. Who is too fast is held: nothing is dropped.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>

#include "base/time.h"

namespace martlet::broker {

// 0: no limit.
struct PublishRates {
  std::uint32_t messages_per_s = 0;
  std::uint64_t bytes_per_s = 0;  // of topics, properties and payloads
  bool any() const { return messages_per_s != 0 || bytes_per_s != 0; }
};

// Holds one second's worth. What is taken may be more than there is: then nobody may take for as long as that costs, so
// that a packet larger than the bucket passes too, and the rate is kept all the same.
class TokenBucket {
 public:
  TokenBucket(double rate_per_s, std::int64_t now_ms) : rate_per_s_(rate_per_s), tokens_(rate_per_s), at_ms_(now_ms) {}

  void take(double amount, std::int64_t now_ms) {
    if (rate_per_s_ == 0) return;
    fill(now_ms);
    tokens_ -= amount;
  }
  // When there is a token again: `now_ms`, or later.
  DeadlineMs ready_at(std::int64_t now_ms) {
    if (rate_per_s_ == 0) return now_ms;
    fill(now_ms);
    if (tokens_ >= 1) return now_ms;
    return now_ms + static_cast<std::int64_t>(std::ceil((1 - tokens_) * 1000 / rate_per_s_));
  }
  bool full(std::int64_t now_ms) {
    fill(now_ms);
    return tokens_ >= rate_per_s_;
  }

 private:
  void fill(std::int64_t now_ms) {
    if (now_ms <= at_ms_) return;  // another core's clock may be ahead
    tokens_ = std::min(tokens_ + static_cast<double>(now_ms - at_ms_) * rate_per_s_ / 1000, rate_per_s_);
    at_ms_ = now_ms;
  }

  double rate_per_s_;
  double tokens_;
  std::int64_t at_ms_;
};

struct PublishBuckets {
  PublishBuckets(const PublishRates& rates, std::int64_t now_ms)
      : messages(rates.messages_per_s, now_ms), bytes(static_cast<double>(rates.bytes_per_s), now_ms) {}

  // A PUBLISH of `size` bytes; returns when the next one may come.
  DeadlineMs take(std::size_t size, std::int64_t now_ms) {
    messages.take(1, now_ms);
    bytes.take(static_cast<double>(size), now_ms);
    return ready_at(now_ms);
  }
  DeadlineMs ready_at(std::int64_t now_ms) { return std::max(messages.ready_at(now_ms), bytes.ready_at(now_ms)); }
  bool full(std::int64_t now_ms) { return messages.full(now_ms) && bytes.full(now_ms); }

  TokenBucket messages;
  TokenBucket bytes;
};

class UserQuota;

// A connection's account.
struct PublishQuota {
  PublishBuckets own;
  std::shared_ptr<UserQuota> user;    // null: none
  DeadlineMs held_until_ms = kNever;  // kNever: it is not held
  bool told = false;                  // that it was held
};

}  // namespace martlet::broker
