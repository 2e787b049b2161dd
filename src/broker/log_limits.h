// What an operator sets of the log as a whole; what one session may be owed is in session::QueueLimits.
#pragma once

#include <cstdint>

namespace martlet::broker {

struct LogLimits {
  // Of the whole log; its oldest messages are cut off, whoever is owed them. 0: no limit.
  std::uint32_t max_age_s = 0;
  std::uint64_t max_bytes = 0;
  // Of the log's newest messages that are kept in memory too, for sessions that are hardly behind.
  std::uint64_t recent_bytes = 32u << 20;
};

}  // namespace martlet::broker
