// The command line of `martlet broker`, and the configuration that it leads to.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "env/files.h"
#include "server/command_line.h"
#include "server/config/load.h"

namespace martlet::server {

struct BrokerArguments {
  std::vector<std::string> listen;
  std::vector<std::string> assignments;  // of --set
  std::optional<std::string> config_file;
  std::optional<std::string> data_dir;
  std::optional<std::string> threads;
  bool check_only = false;
  // As Mosquitto has them:
  std::optional<std::string> mosquitto_conf;
  std::vector<std::uint16_t> ports;
  bool verbose = false;
};

using ParsedArguments = ParsedCommand<BrokerArguments>;

// `argv[0]` is the name that the help shows.
ParsedArguments parse_broker_arguments(int argc, char** argv);

// What the process' environment says.
struct StartEnvironment {
  std::string state_directory;     // $STATE_DIRECTORY, where a data directory that nobody named is; empty: not set
  EnvironmentVariables variables;  // those that begin with MARTLET_
  // The names in a directory, in any order; for a mosquitto.conf with include_dir.
  std::function<Result<std::vector<std::string>>(const std::string& path)> list_directory = {};
};

// The configuration file (or mosquitto.conf), then the environment, then --set, then the options of their own; each
// overrides what is before it. `errors` get all that is wrong. A second call with the same arguments reads the file
// again.
ServerConfig configure(const BrokerArguments& arguments, const StartEnvironment& environment, env::Files& files,
                       ConfigErrors& errors);

}  // namespace martlet::server
