// From a configuration file, the environment and the command line to a ServerConfig, which complete_config()
// (complete.h) then checks.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "server/config/server_config.h"

namespace martlet::server {

// What went wrong, one line each, each with its place. Empty: all is well. No text has a secret in it.
using ConfigErrors = std::vector<std::string>;

// The environment's variables that begin with kEnvironmentPrefix: names and values.
using EnvironmentVariables = std::vector<std::pair<std::string, std::string>>;
inline constexpr std::string_view kEnvironmentPrefix = "MARTLET_";
// The one that is no option: the path of the configuration file, where the command line names none.
inline constexpr std::string_view kConfigVariable = "MARTLET_CONFIG";

// Sets in `config` what the TOML `text` sets; reports all that is wrong with it as `file_name:line: ...`. Its tables of
// arrays (listeners, rules, providers) replace those that `config` has. Relative paths of files are taken from the
// directory of `file_name`.
ConfigErrors apply_toml(ServerConfig& config, std::string_view text, std::string_view file_name);

// Sets the options that variables name; one that names none is an error. kConfigVariable is left alone.
ConfigErrors apply_environment(ServerConfig& config, const EnvironmentVariables& variables);

// Sets one option as `--set section.key=value` gives it.
Result<void> apply_assignment(ServerConfig& config, std::string_view assignment);

// "MARTLET_LIMITS_MAX_IN_FLIGHT" for "limits.max_in_flight".
std::string environment_name(std::string_view option);

}  // namespace martlet::server
