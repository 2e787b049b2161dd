// What an operator sets of WebSocket (RFC 6455) for one listener.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace martlet::net {

struct WebSocketOptions {
  std::string path = "/mqtt";        // of the upgrade request, without its query; "*": any
  std::vector<std::string> origins;  // allowed values of Origin, as "https://example.org"; empty: any, and none
  std::uint32_t max_header_bytes = 8 * 1024;  // of the upgrade request
};

}  // namespace martlet::net
