// Until when something must be done, on the monotonic clock. Any thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include "env/clock.h"

namespace martlet::env {

class Deadline {
 public:
  // `clock` outlives it.
  Deadline(Clock& clock, std::int64_t timeout_ms) : clock_(clock), at_ms_(clock.now().mono_ms + timeout_ms) {}

  // What is left, at least 0.
  std::int64_t left_ms() const { return std::max<std::int64_t>(0, at_ms_ - clock_.now().mono_ms); }
  bool passed() const { return left_ms() == 0; }

 private:
  Clock& clock_;
  std::int64_t at_ms_;
};

}  // namespace martlet::env
