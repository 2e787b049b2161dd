// What an operator sets of the messages that wait in the log for persistent sessions.
#pragma once

#include <cstdint>

namespace martlet::broker {

struct LogLimits {
  // Of one session; what is above gives way as queue.drop_policy says. 0: no limit.
  std::uint64_t max_owed_messages = 0;
  std::uint64_t max_owed_bytes = 0;
  // Of the whole log; its oldest messages are cut off, whoever is owed them. 0: no limit.
  std::uint32_t max_age_s = 0;
  std::uint64_t max_bytes = 0;
  // Of the log's newest messages that are kept in memory too, for sessions that are hardly behind.
  std::uint64_t recent_bytes = 32u << 20;
};

}  // namespace martlet::broker
