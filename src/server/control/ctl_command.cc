#include "server/control/ctl_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/nearest.h"
#include "env/posix/local_server.h"
#include "env/posix/system.h"
#include "server/command_line.h"
#include "server/control/readable.h"

namespace martlet::server {
namespace {

using nlohmann::json;

constexpr int kDone = 0;
constexpr int kRefused = 1;
// Reading keys and users again may take its time.
constexpr int kAnswerMs = 60'000;

struct Arguments {
  std::string command;
  std::string who;
  std::string control;
  std::string data_dir;
  bool as_json = false;
};

constexpr std::string_view kCommands[] = {"reload", "status", "bans", "unban", "shadow"};

void describe(CLI::App& app, Arguments& arguments) {
  app.add_option("COMMAND", arguments.command,
                 "reload: read configuration, users, rules and certificates again; status; bans: who is banned; unban "
                 "WHO: ends the ban of an address or client; shadow: what shadow rules would decide otherwise")
      ->required();
  app.add_option("WHO", arguments.who, "for unban: an address or a client identifier");
  app.add_option("--control", arguments.control, "The broker's control socket (server.control)")->type_name("PATH");
  app.add_option("--data", arguments.data_dir,
                 "The broker's data directory, whose control.sock is asked. Default: $STATE_DIRECTORY, or martlet-data "
                 "here")
      ->type_name("DIR");
  app.add_flag("--json", arguments.as_json, "Print the answer as JSON");
  app.footer("\nExit codes: 0 done, 1 the broker refused or nobody answers, 2 bad usage.");
}

std::string socket_path(const Arguments& arguments) {
  if (!arguments.control.empty()) return arguments.control;
  std::string directory = arguments.data_dir;
  if (directory.empty()) directory = env::posix::environment("STATE_DIRECTORY");
  if (directory.empty()) directory = "martlet-data";
  return directory + "/control.sock";
}

int ask(const Arguments& arguments, env::Files& files) {
  const auto say = [&](env::Handle stream, std::string_view text) {
    static_cast<void>(files.write_stream(stream, as_bytes(text)));
  };
  const json question = {{"command", arguments.command}, {"who", arguments.who}};
  const std::string path = socket_path(arguments);
  const auto answer =
      env::posix::ask_local(path, question.dump(-1, ' ', false, json::error_handler_t::replace), kAnswerMs);
  if (!answer) {
    say(env::Handle::standard_error,
        fmt::format("martlet ctl: {}. Name the broker's data directory with --data, or its socket with --control\n",
                    answer.error().message));
    return kRefused;
  }
  const json parsed = json::parse(*answer, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("ok")) {
    say(env::Handle::standard_error, fmt::format("martlet ctl: '{}' is no broker's socket\n", path));
    return kRefused;
  }
  const bool ok = parsed["ok"] == true;
  const std::string text = arguments.as_json ? safe_json(parsed) + "\n" : readable(parsed);
  say(ok || arguments.as_json ? env::Handle::standard_output : env::Handle::standard_error, text);
  return ok ? kDone : kRefused;
}

std::string understand(const Arguments& arguments) {
  const bool known = std::find(std::begin(kCommands), std::end(kCommands), arguments.command) != std::end(kCommands);
  if (!known) return fmt::format("no command \"{}\"{}", arguments.command, suggestion(arguments.command, kCommands));
  if ((arguments.command == "unban") != arguments.who.empty()) return {};
  return arguments.who.empty() ? "unban whom? Name an address or a client identifier" : "only unban takes a name";
}

}  // namespace

int ctl_main(int argc, char** argv) {
  const auto files = env::posix::make_files();
  Arguments arguments;
  CLI::App app("Asks a running broker of this machine to do something.", argv[0]);
  describe(app, arguments);
  const CommandEnd end = read_command_line(app, argc, argv, [&] { return understand(arguments); });
  return end.exit_code ? show(end, *files) : ask(arguments, *files);
}

}  // namespace martlet::server
