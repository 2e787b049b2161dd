// `martlet store`: looks into the data directory of a broker that does not run.
#pragma once

namespace martlet::server {

// `store check|dump|stats DIR`. Returns the exit code: 0 done, 1 damage was found, 2 bad usage, 3 cannot be opened.
int store_main(int argc, char** argv);

}  // namespace martlet::server
