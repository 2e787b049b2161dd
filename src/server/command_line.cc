#include "server/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/bytes.h"

namespace martlet::server {

CommandEnd read_command_line(CLI::App& app, int argc, char** argv, const std::function<std::string()>& understand) {
  std::string wrong;
  try {
    app.parse(argc, argv);
    wrong = understand();
  } catch (const CLI::CallForHelp&) {
    return {app.help(), 0};
  } catch (const CLI::Error& error) {
    wrong = error.what();
    // An error without words is still one.
    if (wrong.empty()) wrong = error.get_name();
  }
  if (wrong.empty()) return {};
  return {fmt::format("{0}: {1}\nSee {0} --help.\n", app.get_name(), wrong), kUsageExit};
}

int show(const CommandEnd& end, env::Files& files) {
  const bool help = *end.exit_code == 0;
  static_cast<void>(
      files.write_stream(help ? env::Handle::standard_output : env::Handle::standard_error, as_bytes(end.message)));
  return *end.exit_code;
}

}  // namespace martlet::server
