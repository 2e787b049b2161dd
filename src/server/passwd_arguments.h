// The command line of `martlet passwd`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "auth/password_hash.h"
#include "server/command_line.h"

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

using ParsedPasswdArguments = ParsedCommand<PasswdArguments>;

ParsedPasswdArguments parse_passwd_arguments(int argc, char** argv);

}  // namespace martlet::server
