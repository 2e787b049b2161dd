#include "auth/circuit_breaker.h"

#include <algorithm>
#include <utility>

namespace martlet::auth {

CircuitBreaker::Admission CircuitBreaker::admit(std::int64_t mono_ms) {
  const std::scoped_lock lock(mutex_);
  if (pause_ms_ == 0) return Admission::yes;
  if (probing_ || mono_ms < until_ms_) return Admission::no;
  probing_ = true;
  return Admission::probe;
}

void CircuitBreaker::answered(Admission admission) {
  if (admission != Admission::probe) return;
  const std::scoped_lock lock(mutex_);
  probing_ = false;
  pause_ms_ = 0;
  reason_.clear();
}

void CircuitBreaker::failed(Admission admission, std::int64_t mono_ms, std::string reason) {
  const std::scoped_lock lock(mutex_);
  if (admission == Admission::probe) {
    probing_ = false;
    pause_ms_ = std::min(pause_ms_ * 2, kLongestPauseMs);
  } else if (pause_ms_ == 0) {
    pause_ms_ = kFirstPauseMs;
  } else {
    return;
  }
  until_ms_ = mono_ms + pause_ms_;
  reason_ = std::move(reason);
}

void CircuitBreaker::abandoned(Admission admission) {
  if (admission != Admission::probe) return;
  const std::scoped_lock lock(mutex_);
  probing_ = false;
}

std::string CircuitBreaker::reason() const {
  const std::scoped_lock lock(mutex_);
  return reason_;
}

std::int64_t CircuitBreaker::pause_ms(std::int64_t mono_ms) const {
  const std::scoped_lock lock(mutex_);
  return pause_ms_ == 0 ? 0 : std::max<std::int64_t>(0, until_ms_ - mono_ms);
}

}  // namespace martlet::auth
