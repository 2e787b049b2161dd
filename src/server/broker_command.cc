#include "server/broker_command.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "env/posix/system.h"
#include "server/broker_arguments.h"
#include "server/command_line.h"
#include "server/configuration_check.h"
#include "server/service.h"
#include "server/start_environment.h"

namespace martlet::server {
namespace {

void say(env::Files& files, env::Handle stream, std::string_view text) {
  static_cast<void>(files.write_stream(stream, as_bytes(text)));
}

}  // namespace

int broker_main(int argc, char** argv) {
  const auto files = env::posix::make_files();
  const ParsedArguments parsed = parse_broker_arguments(argc, argv);
  if (parsed.exit_code) return show(parsed, *files);
  const auto complain = [&](std::string_view kind, const std::vector<std::string>& lines) {
    for (const std::string& line : lines) {
      say(*files, env::Handle::standard_error, fmt::format("martlet broker: {}{}\n", kind, line));
    }
  };
  if (parsed.arguments.check_only) {
    const ConfigurationCheck check = check_configuration(parsed.arguments, *files);
    complain("warning: ", check.warnings);
    complain("", check.errors);
    if (!check.ok()) return kUsageExit;
    say(*files, env::Handle::standard_output, "the configuration is in order\n");
    return kCleanExit;
  }
  ConfigErrors errors;
  ServerConfig config = configure(parsed.arguments, start_environment(), *files, errors);
  complain("", errors);
  if (!errors.empty()) return kUsageExit;
  const auto read = [&](ConfigErrors& again) {
    return configure(parsed.arguments, start_environment(), *files, again);
  };
  return run_service(std::move(config), read, *files);
}

}  // namespace martlet::server
