// `martlet migrate`: other brokers' configurations made into Martlet's.
#pragma once

namespace martlet::server {

// `martlet migrate mosquitto DIR_OR_FILE [--output FILE] [--json]`: the configuration goes to standard output or FILE,
// what became of each line to standard error. Returns the exit code: 0 all of it has an equal, 1 something has none,
// 2 bad usage, or an error in the file: then nothing is written.
int migrate_main(int argc, char** argv);

}  // namespace martlet::server
