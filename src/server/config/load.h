// From a configuration file and the command line to a checked ServerConfig.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/config/server_config.h"

namespace martlet::server {

// What went wrong, one line each, each with its place. Empty: all is well.
using ConfigErrors = std::vector<std::string>;

// Sets in `config` what the TOML `text` sets; reports all that is wrong with it as `file_name:line: ...`. Its
// listeners and durability rules replace those that `config` has.
ConfigErrors apply_toml(ServerConfig& config, std::string_view text, std::string_view file_name);

// Sets one option as `--set section.key=value` gives it.
Result<void> apply_assignment(ServerConfig& config, std::string_view assignment);

// Completes `config` (the default listener, listeners' names) and checks what options ask of each other.
ConfigErrors complete_config(ServerConfig& config);

}  // namespace martlet::server
