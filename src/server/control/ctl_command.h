// `martlet ctl`: asks a running broker of this machine to do something, over its control socket.
#pragma once

namespace martlet::server {

// `argv[0]` is the name that the help shows. Exit codes: 0 done, 1 the broker refused or nobody answers, 2 bad usage.
int ctl_main(int argc, char** argv);

}  // namespace martlet::server
