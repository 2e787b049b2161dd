#include <ctime>

#include "env/posix/system.h"

namespace martlet::env::posix {
namespace {

std::int64_t read_ms(clockid_t id) {
  timespec at{};
  ::clock_gettime(id, &at);
  return static_cast<std::int64_t>(at.tv_sec) * 1000 + at.tv_nsec / 1'000'000;
}

class PosixClock final : public Clock {
 public:
  Now now() override { return {read_ms(CLOCK_MONOTONIC), read_ms(CLOCK_REALTIME)}; }
};

}  // namespace

std::unique_ptr<Clock> make_clock() {
  return std::make_unique<PosixClock>();
}

}  // namespace martlet::env::posix
