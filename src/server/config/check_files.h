// The checks of a configuration that look at the files which it names.
#pragma once

#include "env/files.h"
#include "server/config/load.h"

namespace martlet::server {

// Adds what is wrong with the named files to `errors`. `config` is complete. What the files hold is never shown.
void check_files(const ServerConfig& config, env::Files& files, ConfigErrors& errors);

}  // namespace martlet::server
