// `martlet bench`: measures any MQTT broker and accounts for every message.
#pragma once

namespace martlet::tools {

// `argv[0]` is the name that users type ("martlet bench"). Returns the exit status: 0 all that was promised was seen, 1
// messages are missing, doubled or out of order, or the run failed, 2 the command line is wrong.
int bench_main(int argc, char** argv);

}  // namespace martlet::tools
