// The one source of time.
#pragma once

#include "base/time.h"

namespace martlet::env {

class Clock {
 public:
  virtual ~Clock() = default;
  // Both clocks, rounded down to the millisecond, so a wait of (deadline - mono_ms) never ends early. Any thread.
  virtual Now now() = 0;
};

}  // namespace martlet::env
