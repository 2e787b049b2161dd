// Time as the core rooms see it: handed in with each event, never read.
#pragma once

#include <cstdint>
#include <limits>

namespace martlet {

// `mono_ms` never goes back and drives every deadline; `wall_ms` is the Unix time for what people read or what
// survives a restart.
struct Now {
  std::int64_t mono_ms = 0;
  std::int64_t wall_ms = 0;
};

// A point on the monotonic clock in milliseconds. kNever sorts behind every real deadline.
using DeadlineMs = std::int64_t;
inline constexpr DeadlineMs kNever = std::numeric_limits<std::int64_t>::max();

// The deadline `seconds` from now.
inline DeadlineMs deadline_in_s(const Now& now, std::uint32_t seconds) {
  return now.mono_ms + static_cast<std::int64_t>(seconds) * 1000;
}

}  // namespace martlet
