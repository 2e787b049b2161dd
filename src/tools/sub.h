// `martlet sub`: subscribes and prints what comes.
#pragma once

namespace martlet::tools {

// `argv[0]` is the command's name ("sub"), its options follow. Returns the exit code: 0 done, 1 failed while running,
// 2 bad usage, 27 when the time of -W is over. Takes over SIGINT and SIGTERM while it runs.
int sub_main(int argc, char** argv);

}  // namespace martlet::tools
