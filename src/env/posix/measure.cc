#include "env/posix/measure.h"

#include <unistd.h>

#include <ctime>

#include "env/posix/descriptor.h"

namespace martlet::env::posix {

std::uint64_t monotonic_ns() {
  timespec at{};
  ::clock_gettime(CLOCK_MONOTONIC, &at);
  return static_cast<std::uint64_t>(at.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(at.tv_nsec);
}

bool is_terminal(Handle stream) {
  return ::isatty(descriptor(stream)) == 1;
}

}  // namespace martlet::env::posix
