// What a new configuration changes, for the report of a reload.
#pragma once

#include <string>
#include <vector>

#include "server/config/server_config.h"

namespace martlet::server {

struct OptionChanges {
  // Names of options as the file has them; of listeners with the address: `listener 127.0.0.1:1883: tls.certificate`.
  std::vector<std::string> live;     // hold at once
  std::vector<std::string> restart;  // hold after a restart
};

// Both are complete. Options that have the same value are not named, wherever it comes from.
OptionChanges changed_options(const ServerConfig& before, const ServerConfig& after);

}  // namespace martlet::server
