// `martlet passwd`: users and password hashes in a file, as mosquitto_passwd does it.
#pragma once

namespace martlet::server {

// The command's exit code; its --help lists them.
int passwd_main(int argc, char** argv);

}  // namespace martlet::server
