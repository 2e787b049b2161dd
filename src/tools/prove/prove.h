// `martlet prove`: whether a broker loses what it acknowledged.
#pragma once

namespace martlet::tools {

// `argv[0]` is the name that users type ("martlet prove"). Returns the exit status: 0 nothing acknowledged was lost,
// doubled at QoS 2, reordered or corrupt, 1 something was, 2 the command line is wrong, 3 it could not be found out.
int prove_main(int argc, char** argv);

}  // namespace martlet::tools
