// What a new configuration changes, for the report of a reload.
#pragma once

#include <cstddef>
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

// Which of `listeners` is `like`, that is the `index`-th of its own list: the one with its address. Several may listen
// on port 0 and so have the same address: then the one that has its name too, the one in its place before others.
// Null: none of them.
const ListenerConfig* find_listener(const std::vector<ListenerConfig>& listeners, const ListenerConfig& like,
                                    std::size_t index);

}  // namespace martlet::server
