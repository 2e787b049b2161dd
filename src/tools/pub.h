// `martlet pub`: publishes messages and stops when the broker has them.
#pragma once

namespace martlet::tools {

// `argv[0]` is the command's name ("pub"), its options follow. Returns the exit code: 0 done, 1 failed while running,
// 2 bad usage. Takes over SIGINT and SIGTERM while it runs.
int pub_main(int argc, char** argv);

}  // namespace martlet::tools
