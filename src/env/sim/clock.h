// A clock that stands still until it is moved.
#pragma once

#include "env/clock.h"

namespace martlet::env::sim {

class SimulatedClock final : public Clock {
 public:
  Now now() override { return now_; }
  void advance(std::int64_t ms) {
    now_.mono_ms += ms;
    now_.wall_ms += ms;
  }
  // The machine was started again: the monotonic clock begins anew, as it does for a new system.
  void restart(std::int64_t mono_ms) { now_.mono_ms = mono_ms; }

 private:
  Now now_{1'000, 1'700'000'000'000};
};

}  // namespace martlet::env::sim
