// Host and port as text: "127.0.0.1:1883", "[::1]:1883", "localhost:1883", "*:1883".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace martlet::env {

struct Endpoint {
  // Name or numeric address, without brackets. Empty or "*" means every address of both families (listening only).
  std::string host;
  std::uint16_t port = 0;

  bool operator==(const Endpoint&) const = default;
};

// Reads "host:port", "[v6]:port", "host", "[v6]" or ":port"; without a port it is `default_port`. An IPv6 address
// without brackets is taken as a host. The host's spelling is not checked further.
Result<Endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port);

// The inverse: brackets around a host with a colon, "*" for an empty one.
std::string to_text(const Endpoint& endpoint);

}  // namespace martlet::env
