// A broker process from its configuration to its end: everything that it is made of, in the order of its life.
#pragma once

#include <functional>

#include "env/files.h"
#include "server/config/load.h"

namespace martlet::server {

inline constexpr int kCleanExit = 0;
inline constexpr int kFailedExit = 1;

// Runs a broker with `config`, which is complete, until SIGINT or SIGTERM. `read` reads the configuration as it was
// read for `config`. Returns the exit code; what went wrong is on standard error. To be called once, without other
// threads.
int run_service(ServerConfig config, std::function<ServerConfig(ConfigErrors&)> read, env::Files& files);

}  // namespace martlet::server
