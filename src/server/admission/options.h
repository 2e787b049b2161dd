// What an operator sets against abuse, whatever the transport. 0: no limit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace martlet::server {

struct AbuseOptions {
  std::uint32_t connections_per_address = 0;  // new ones in a second, ...
  std::uint32_t connection_burst = 100;       // ... besides so many at once
  std::uint32_t max_connections_per_address = 0;
  std::uint32_t max_checks_per_address = 32;  // passwords of one that wait to be checked
  std::uint32_t failures_before_ban = 10;     // failed authentications of an address in failure_window_ms
  std::int64_t failure_window_ms = 60'000;
  std::int64_t ban_time_ms = 60'000;  // of the first ban; each further one in a row is twice as long, up to ...
  std::int64_t ban_time_max_ms = 3'600'000;
  std::uint32_t flapping_connects = 0;  // CONNECTs of one client in flapping_window_ms
  std::int64_t flapping_window_ms = 60'000;
  std::vector<std::string> exempt = {"127.0.0.0/8", "::1"};  // networks that none of this is for
};

}  // namespace martlet::server
