// What a broker says when it listens: one line on standard output for people, and entries of the log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "broker/log.h"
#include "server/config/server_config.h"

namespace martlet::server {

// How it was started, as far as the configuration does not say.
struct StartFacts {
  std::uint32_t threads = 0;
  std::vector<std::string> bound;  // where each listener is bound, in the configuration's order
  std::size_t descriptors = 0;     // that the process may open
};

// "martlet 0.1.0 listens on ...", with a line break.
std::string start_line(const ServerConfig& config, const StartFacts& facts);

// An entry for each listener: address, protocol, TLS, and who gets in. In a JSON log also one for the broker, since
// nobody reads its standard output.
void log_start(const ServerConfig& config, const StartFacts& facts, broker::Log& log, broker::Log& net_log);

}  // namespace martlet::server
