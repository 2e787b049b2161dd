// What `martlet config show` says: every option with its value and where that comes from.
#pragma once

#include <string>

#include "server/config/server_config.h"

namespace martlet::server {

// A line each, `name = value  (from)`; of tables `listener[0].address`. Passwords in URLs are left out.
std::string config_text(const ServerConfig& config);
// The same as one JSON object: {"limits.max_in_flight": {"value": "65535", "from": "default"}, ...}.
std::string config_json(const ServerConfig& config);

}  // namespace martlet::server
