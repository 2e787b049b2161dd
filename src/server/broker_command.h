// `martlet broker`: the process around a core.
#pragma once

namespace martlet::server {

// Runs until SIGINT or SIGTERM. Returns the exit code: 0 stopped cleanly, 1 failed while running, 2 bad usage or
// configuration. `argv[0]` is the name that the help shows. Called from the main thread, before any other starts.
int broker_main(int argc, char** argv);

}  // namespace martlet::server
