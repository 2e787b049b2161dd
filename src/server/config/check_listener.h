// The checks of [[listener]] tables.
#pragma once

#include "server/config/load.h"
#include "server/config/places.h"

namespace martlet::server {

// Writes addresses in one form, names listeners that have no name by them, and adds to `errors` what does not go
// together. Providers have their names already.
void check_listeners(ServerConfig& config, ConfigErrors& errors);

}  // namespace martlet::server
