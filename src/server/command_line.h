// What the command lines of all subcommands have in common: how they are read, help, and how a mistake is told.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "env/files.h"

namespace CLI {
class App;
}

namespace martlet::server {

inline constexpr int kUsageExit = 2;

// What there is to do instead of running the command.
struct CommandEnd {
  std::string message;           // to show: help, or what is wrong
  std::optional<int> exit_code;  // set when there is nothing to run
};

template <typename Arguments>
struct ParsedCommand : CommandEnd {
  Arguments arguments;
};

// Reads the command line into what `app`, named as its users type it ("martlet store"), was told of. What CLI11 takes
// goes through `understand`, which returns what is wrong all the same; empty if nothing. A mistake ends with
// kUsageExit,
// --help with 0.
CommandEnd read_command_line(CLI::App& app, int argc, char** argv, const std::function<std::string()>& understand);

// Help to standard output, a mistake to standard error; returns the exit code, which has to be set.
int show(const CommandEnd& end, env::Files& files);

}  // namespace martlet::server
