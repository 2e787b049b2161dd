// Where the configuration has what a check speaks about.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "server/config/server_config.h"

namespace martlet::server {

// One table of an array: [[listener]] 0 is the first.
struct TableId {
  std::string_view array = {};
  std::size_t index = 0;
};

// "broker.toml:7: " for the key of a table, or for its heading if the key is not there; nothing if no file has it.
std::string place_before(const ServerConfig& config, TableId table, std::string_view key);
// The same for an option outside arrays.
std::string place_before(const ServerConfig& config, std::string_view option);
// Whether somebody wrote the key of a table; with an empty key, the table itself.
bool is_set(const ServerConfig& config, TableId table, std::string_view key);

}  // namespace martlet::server
