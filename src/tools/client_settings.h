// From the settings of a tool to the options of its client.
#pragma once

#include <cstdint>

#include "client/options.h"
#include "tools/settings.h"

namespace martlet::tools {

// `random` makes a client identifier where none is given.
client::ClientOptions client_options(const Settings& settings, std::uint64_t random);

}  // namespace martlet::tools
