// What the environment of this process tells a command that reads the configuration.
#pragma once

#include "server/broker_arguments.h"

namespace martlet::server {

// While no other thread changes the environment.
StartEnvironment start_environment();

}  // namespace martlet::server
