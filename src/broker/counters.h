// Totals since the start, for $SYS and metrics.
#pragma once

#include <cstdint>

namespace martlet::broker {

struct Counters {
  std::uint64_t connections_accepted = 0;
  std::uint64_t connects_received = 0;  // CONNECT packets
  std::uint64_t clients_connected = 0;  // now
  std::uint64_t clients_maximum = 0;    // most at a time
  std::uint64_t sessions_expired = 0;
  std::uint64_t packets_received = 0;
  std::uint64_t packets_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t publish_received = 0;
  std::uint64_t publish_sent = 0;
  std::uint64_t publish_dropped = 0;
  std::uint64_t publish_bytes_received = 0;  // payloads
  std::uint64_t publish_bytes_sent = 0;
};

}  // namespace martlet::broker
