// The one binary `martlet`: finds the subcommand and hands it the rest of the command line.
#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/nearest.h"
#include "build_info.h"
#include "env/posix/system.h"
#include "server/acl_command.h"
#include "server/broker_command.h"
#include "server/config_command.h"
#include "server/control/ctl_command.h"
#include "server/migrate_command.h"
#include "server/passwd_command.h"
#include "server/store_tool/command.h"
#include "tools/bench/bench.h"
#include "tools/prove/prove.h"
#include "tools/pub.h"
#include "tools/sub.h"

namespace martlet {
namespace {

constexpr int kUsageExit = 2;

struct Command {
  std::string_view name;
  int (*run)(int argc, char** argv);
  std::string_view summary;  // empty: for developers, not shown
};

constexpr Command kCommands[] = {
    {"broker", server::broker_main, "run the broker"},
    {"pub", tools::pub_main, "publish messages"},
    {"sub", tools::sub_main, "subscribe and print what comes"},
    {"bench", tools::bench_main, "measure a broker"},
    {"prove", tools::prove_main, "prove that a broker loses nothing it acknowledged"},
    {"ctl", server::ctl_main, "steer a running broker: reload, status, bans"},
    {"passwd", server::passwd_main, "manage a file of users and passwords"},
    {"store", server::store_main, "look into a data directory: check, dump, stats"},
    {"acl", server::acl_main, "say who may do what by rules, and why"},
    {"config", server::config_main, "explain, check and show the broker's options"},
    {"migrate", server::migrate_main, "take over the configuration of Mosquitto"},
};

void print(env::Handle stream, std::string_view text) {
  static_cast<void>(env::posix::make_files()->write_stream(stream, as_bytes(text)));
}

std::string help_text() {
  std::string text = fmt::format("Martlet {}, an MQTT system. Usage: martlet COMMAND [OPTIONS]\n\n", version());
  for (const Command& command : kCommands) {
    if (!command.summary.empty()) text += fmt::format("  {:<8} {}\n", command.name, command.summary);
  }
  return text +
         "\nmartlet COMMAND --help tells a command's options; martlet --version what this binary was built from.\n";
}

int unknown_command(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Command& command : kCommands) names.push_back(command.name);
  names.push_back("help");
  print(env::Handle::standard_error,
        fmt::format("martlet: unknown command \"{}\"{}\nSee martlet help.\n", name, suggestion(name, names)));
  return kUsageExit;
}

int run(std::span<char*> arguments) {
  if (arguments.size() < 2) {
    print(env::Handle::standard_error, help_text());
    return kUsageExit;
  }
  const std::string_view name = arguments[1];
  if (name == "help" || name == "--help" || name == "-h") {
    print(env::Handle::standard_output, help_text());
    return 0;
  }
  if (name == "--version" || name == "-V") {
    print(env::Handle::standard_output, fmt::format("martlet {} ({}, {})\n", version(), commit(), compiler()));
    return 0;
  }
  for (const Command& command : kCommands) {
    if (command.name != name) continue;
    // The command's name as its users type it stands for the program's.
    std::string program = fmt::format("martlet {}", name);
    arguments[1] = program.data();
    return command.run(static_cast<int>(arguments.size() - 1), arguments.data() + 1);
  }
  return unknown_command(name);
}

}  // namespace
}  // namespace martlet

int main(int argc, char** argv) {
  return martlet::run({argv, static_cast<std::size_t>(argc)});
}
