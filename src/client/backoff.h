// How long to wait before the next attempt to connect: doubled after each failure, with jitter so that the clients of a
// server that restarts do not all come at once. Pure.
#pragma once

#include <cstdint>

#include "base/random.h"

namespace martlet::client {

struct BackoffOptions {
  std::int64_t first_ms = 1'000;
  std::int64_t longest_ms = 60'000;
};

class Backoff {
 public:
  Backoff(const BackoffOptions& options, std::uint64_t seed) : options_(options), random_(seed) {}

  // The next delay: between half and the whole of first_ms * 2^failures, which longest_ms bounds.
  std::int64_t next_ms();
  // A connection came up.
  void reset() { failures_ = 0; }

 private:
  BackoffOptions options_;
  Random random_;
  unsigned failures_ = 0;
};

}  // namespace martlet::client
