// The wall clock as people write it, in the system's time zone.
#pragma once

#include <cstdint>
#include <string>

namespace martlet::env::posix {

struct WallTime {
  std::int64_t seconds = 0;  // Unix time
  std::int32_t nanoseconds = 0;
};

WallTime wall_time();

// strftime(3) of `time` with `format`; at most 255 bytes, empty if it is longer or has no text.
std::string format_local(const WallTime& time, const char* format);

}  // namespace martlet::env::posix
