// `martlet config`: explains options, checks a file, shows what holds, renews the documentation.
#pragma once

namespace martlet::server {

// `argv[0]` is the name that the help shows. Returns the exit code: 0 done, 1 a page cannot be renewed, 2 bad usage or
// configuration.
int config_main(int argc, char** argv);

}  // namespace martlet::server
