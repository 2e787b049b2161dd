#include "server/broker_command.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "env/posix/system.h"
#include "server/broker_arguments.h"
#include "server/config/check_files.h"
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
  if (parsed.exit_code) {
    const auto stream = *parsed.exit_code == kCleanExit ? env::Handle::standard_output : env::Handle::standard_error;
    say(*files, stream, parsed.message);
    return *parsed.exit_code;
  }
  ConfigErrors errors;
  ServerConfig config = configure(parsed.arguments, start_environment(), *files, errors);
  if (parsed.arguments.check_only) check_files(config, *files, errors);
  for (const std::string& error : errors)
    say(*files, env::Handle::standard_error, fmt::format("martlet broker: {}\n", error));
  if (!errors.empty()) return kUsageExit;
  if (parsed.arguments.check_only) {
    say(*files, env::Handle::standard_output, "the configuration is in order\n");
    return kCleanExit;
  }
  const auto read = [&](ConfigErrors& again) {
    return configure(parsed.arguments, start_environment(), *files, again);
  };
  return run_service(std::move(config), read, *files);
}

}  // namespace martlet::server
