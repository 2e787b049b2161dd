// Where to listen or to connect, as text: "127.0.0.1:1883", "[::1]:1883", "localhost:1883", "*:1883",
// "unix:/run/broker.sock".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace martlet::env {

struct Endpoint {
  // Name or numeric address, without brackets. Empty or "*" means every address of both families (listening only).
  // "unix:" and a path for a Unix socket, whose port is 0.
  std::string host;
  std::uint16_t port = 0;

  bool operator==(const Endpoint&) const = default;
};

// The path of a Unix socket's endpoint; empty for all others.
std::string_view unix_path(const Endpoint& endpoint);

// Reads "unix:path", "host:port", "[v6]:port", "host", "[v6]" or ":port"; without a port it is `default_port`. An IPv6
// address without brackets is taken as a host. The host's spelling is not checked further.
Result<Endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port);

// The inverse: a Unix socket as it is, brackets around a host with a colon, "*" for an empty one.
std::string to_text(const Endpoint& endpoint);

}  // namespace martlet::env
