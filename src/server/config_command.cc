#include "server/config_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "base/nearest.h"
#include "env/posix/system.h"
#include "server/command_line.h"
#include "server/config/documentation.h"
#include "server/config/explain.h"
#include "server/config/show.h"
#include "server/configuration_check.h"
#include "server/start_environment.h"

namespace martlet::server {
namespace {

constexpr std::size_t kMaxPageBytes = 4 * 1024 * 1024;
constexpr std::string_view kActions[] = {"explain", "check", "show", "docs"};

struct ConfigArguments {
  std::string action;
  std::string subject;
  BrokerArguments broker;
  bool json = false;
};

void describe(CLI::App& app, ConfigArguments& arguments) {
  app.add_option(
         "ACTION", arguments.action,
         "explain OPTION: what it does and takes; check FILE: whether the broker would start with it, and all that is "
         "wrong; show: what holds, and where it comes from; docs [FILE]: the options as Markdown, or renews them in "
         "FILE")
      ->required();
  app.add_option("OPTION|FILE", arguments.subject, "As the action says");
  app.add_option("--config", arguments.broker.config_file, "show: with this configuration file")->type_name("FILE");
  app.add_option("--set", arguments.broker.assignments, "show, check: with this option set")
      ->type_name("SECTION.KEY=VALUE")
      ->take_all()
      ->allow_extra_args(false);
  app.add_flag("--json", arguments.json, "explain, check, show: as JSON");
  app.footer(
      "\ncheck reads all files that the configuration names and makes what a start makes of them, but binds and "
      "connects to nothing. Run it as the user who starts the broker.\n"
      "Exit codes: 0 done, and with check all is in order (there may be warnings); 1 the output cannot be written; 2 "
      "bad "
      "usage, or a configuration with errors.");
}

class Command {
 public:
  explicit Command(env::Files& files) : files_(files) {}

  int run(ConfigArguments& arguments) {
    if (arguments.action == "explain" && !arguments.subject.empty()) return explain(arguments);
    if (arguments.action == "check" && !arguments.subject.empty()) return check(arguments);
    if (arguments.action == "show" && arguments.subject.empty()) return show(arguments);
    if (arguments.action == "docs") return docs(arguments.subject);
    const auto known = std::find(std::begin(kActions), std::end(kActions), arguments.action);
    if (known == std::end(kActions)) {
      return complain(kUsageExit, fmt::format("unknown action \"{}\"{}\nSee martlet config --help.", arguments.action,
                                              suggestion(arguments.action, kActions)));
    }
    return complain(kUsageExit, "usage: martlet config explain OPTION | check FILE | show | docs [FILE]");
  }

  int complain(int exit_code, std::string_view message) {
    static_cast<void>(
        files_.write_stream(env::Handle::standard_error, as_bytes(fmt::format("martlet config: {}\n", message))));
    return exit_code;
  }

  int print(std::string_view text) {
    const auto written = files_.write_stream(env::Handle::standard_output, as_bytes(text));
    return written ? 0 : complain(1, written.error().message);
  }

 private:
  int explain(const ConfigArguments& arguments) {
    const auto text = arguments.json ? explain_option_json(arguments.subject) : explain_option(arguments.subject);
    return text ? print(*text) : complain(kUsageExit, text.error().message);
  }

  int check(ConfigArguments& arguments) {
    arguments.broker.config_file = arguments.subject;
    const ConfigurationCheck checked = check_configuration(arguments.broker, files_);
    if (arguments.json) {
      const int printed = print(check_json(checked));
      return checked.ok() ? printed : kUsageExit;
    }
    for (const std::string& warning : checked.warnings) complain(0, "warning: " + warning);
    for (const std::string& error : checked.errors) complain(kUsageExit, error);
    if (!checked.ok()) return kUsageExit;
    return print(fmt::format("{}: the configuration is in order\n", arguments.subject));
  }

  int show(const ConfigArguments& arguments) {
    ConfigErrors errors;
    const ServerConfig config = configure(arguments.broker, start_environment(), files_, errors);
    for (const std::string& error : errors) complain(kUsageExit, error);
    if (!errors.empty()) return kUsageExit;
    return print(arguments.json ? config_json(config) : config_text(config));
  }

  int docs(const std::string& path) {
    if (path.empty()) return print(options_markdown());
    const auto page = files_.read_all(path, kMaxPageBytes);
    if (!page) return complain(1, page.error().message);
    const auto renewed = renew_page(*page);
    if (!renewed) return complain(1, fmt::format("{}: {}", path, renewed.error().message));
    const auto written = files_.write_all(path, as_bytes(*renewed));
    return written ? 0 : complain(1, written.error().message);
  }

  env::Files& files_;
};

}  // namespace

int config_main(int argc, char** argv) {
  const auto files = env::posix::make_files();
  Command command(*files);
  ConfigArguments arguments;
  CLI::App app("Explains, checks and shows the broker's configuration.", argv[0]);
  describe(app, arguments);
  const CommandEnd end = read_command_line(app, argc, argv, [] { return std::string(); });
  if (end.exit_code == 0) return command.print(end.message);
  if (end.exit_code) return show(end, *files);
  return command.run(arguments);
}

}  // namespace martlet::server
