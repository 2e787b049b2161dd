// CPU time and memory of another process of this machine, as Linux tells them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "env/files.h"

namespace martlet::tools::bench {

struct ProcessSample {
  double cpu_s = 0;  // user and system time of all its threads
  std::uint64_t rss_bytes = 0;
  std::uint64_t peak_rss_bytes = 0;
};

// An Error when there is no such process or it may not be looked at.
Result<ProcessSample> sample_process(env::Files& files, std::int32_t pid);

// The value of `field` ("VmRSS") in bytes from the text of /proc/PID/status.
std::optional<std::uint64_t> parse_status(std::string_view text, std::string_view field);

}  // namespace martlet::tools::bench
