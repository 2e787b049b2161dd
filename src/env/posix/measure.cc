#include "env/posix/measure.h"

#include <unistd.h>

#include <ctime>

#include "env/posix/descriptor.h"

namespace martlet::env::posix {
namespace {

std::uint64_t to_ns(const timespec& at) {
  return static_cast<std::uint64_t>(at.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(at.tv_nsec);
}

}  // namespace

std::uint64_t monotonic_ns() {
  timespec at{};
  ::clock_gettime(CLOCK_MONOTONIC, &at);
  return to_ns(at);
}

std::optional<std::uint64_t> process_cpu_ns(std::int32_t pid) {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return std::nullopt;
  return to_ns(used);
}

bool is_terminal(Handle stream) {
  return ::isatty(descriptor(stream)) == 1;
}

}  // namespace martlet::env::posix
