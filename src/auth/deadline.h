// Until when a question to a service must be answered. Any thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include "env/clock.h"

namespace martlet::auth {

class Deadline {
 public:
  // `clock` outlives it.
  Deadline(env::Clock& clock, std::int64_t timeout_ms) : clock_(clock), at_ms_(clock.now().mono_ms + timeout_ms) {}

  // What is left, at least 0.
  std::int64_t left_ms() const { return std::max<std::int64_t>(0, at_ms_ - clock_.now().mono_ms); }
  bool passed() const { return left_ms() == 0; }

 private:
  env::Clock& clock_;
  std::int64_t at_ms_;
};

}  // namespace martlet::auth
