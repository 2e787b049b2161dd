// The command line of `martlet passwd`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "auth/password_hash.h"

namespace martlet::server {

struct PasswdArguments {
  enum class Action : std::uint8_t { set, remove, convert, check, list };
  Action action = Action::set;
  bool create = false;  // with set: begin a new file
  bool scram = false;   // with set: add SCRAM keys
  std::string file;
  std::string user;
  std::optional<std::string> password;  // -b; else it is asked for
  auth::HashOptions hash;
};

struct ParsedPasswdArguments {
  PasswdArguments arguments;
  std::optional<int> exit_code;  // set: print `message` and end with it
  std::string message;
};

ParsedPasswdArguments parse_passwd_arguments(int argc, char** argv);

}  // namespace martlet::server
