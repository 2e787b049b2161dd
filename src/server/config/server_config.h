// Everything that an operator can set of a broker process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/options.h"
#include "env/endpoint.h"
#include "env/posix/system.h"
#include "net/reactor.h"
#include "server/log.h"

namespace martlet::server {

inline constexpr std::uint16_t kDefaultPort = 1883;

// In place of a data directory: nothing outlives the process.
inline constexpr std::string_view kNoData = "none";

struct ListenerConfig {
  std::string name;     // for logs and rules; empty: its address
  std::string address;  // as written, see env::parse_endpoint
};

struct ServerConfig {
  std::vector<ListenerConfig> listeners;  // never empty once checked
  std::string data_dir;                   // or kNoData; once complete never empty
  bool data_dir_is_default = false;       // nobody has named it
  bool skip_damaged = false;
  std::uint32_t threads = 0;  // 0: one for each processor
  bool pin_threads = false;
  env::posix::Polling io = env::posix::Polling::epoll;
  bool allow_anonymous_public = false;
  LogOptions log;
  broker::BrokerOptions broker;
  std::vector<std::string> rule_places;  // of the rules in broker.durability that a file has: "broker.toml:7"
  net::ReactorOptions reactor;

  bool keeps_data() const { return data_dir != kNoData; }
};

}  // namespace martlet::server
