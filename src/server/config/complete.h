// What options ask of each other, once all of them are set.
#pragma once

#include "server/config/load.h"

namespace martlet::server {

// Completes `config` (the default listener; names of listeners, providers and rules that have none) and checks what
// options ask of each other. Errors begin with the place where the file has what is wrong. Reads no file.
ConfigErrors complete_config(ServerConfig& config);

}  // namespace martlet::server
