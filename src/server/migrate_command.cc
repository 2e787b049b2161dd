#include "server/migrate_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iterator>
#include <string>
#include <string_view>

#include "env/posix/directory.h"
#include "env/posix/system.h"
#include "server/command_line.h"
#include "server/config/complete.h"
#include "server/mosquitto/translate.h"

namespace martlet::server {
namespace {

constexpr std::size_t kMaxConfigBytes = 4 * 1024 * 1024;
constexpr int kNoEqualExit = 1;

struct MigrateArguments {
  std::string from;
  std::string path;
  std::string output;
  bool json = false;
  bool options = false;
};

void describe(CLI::App& app, MigrateArguments& arguments) {
  app.add_option("BROKER", arguments.from, "Whose configuration it is: mosquitto")
      ->required()
      ->check(CLI::IsMember({"mosquitto"}));
  app.add_option("DIR_OR_FILE", arguments.path, "A mosquitto.conf, or the directory that has it");
  app.add_option("--output", arguments.output, "Write the configuration here, not to standard output")
      ->type_name("FILE");
  app.add_flag("--json", arguments.json, "The report as one JSON object");
  app.add_flag("--options", arguments.options, "Only list what becomes of each option that there is (Markdown)");
  app.footer(
      "\nThe configuration goes to standard output, the report to standard error: what became of each line. Relative "
      "paths in the new file are taken from its own directory; those in a mosquitto.conf, include_dir among them, from "
      "the working directory, as with Mosquitto: run this where Mosquitto is started.\n"
      "Exit codes: 0 all of it has an equal, 1 something has none, 2 bad usage, or errors in the file.");
}

std::string option_list() {
  std::string list = "| option | fate | in Martlet |\n| --- | --- | --- |\n";
  for (const mosquitto::Key& key : mosquitto::keys()) {
    fmt::format_to(std::back_inserter(list), "| `{}{}` | {} | {} |\n", key.name, key.name.ends_with('_') ? "*" : "",
                   mosquitto::to_text(key.fate), key.note);
  }
  return list;
}

int migrate(const MigrateArguments& arguments, env::Files& files) {
  const auto tell = [&](std::string_view text) {
    static_cast<void>(files.write_stream(env::Handle::standard_error, as_bytes(text)));
  };
  const std::string path =
      env::posix::is_directory(arguments.path) ? arguments.path + "/mosquitto.conf" : arguments.path;
  const mosquitto::Source source{[&](const std::string& name) { return files.read_all(name, kMaxConfigBytes); },
                                 env::posix::list_directory};
  mosquitto::Translation translation = mosquitto::translate_file(path, source, {});
  ServerConfig config;
  ConfigErrors errors = mosquitto::apply_translation(config, translation);
  if (errors.empty()) errors = complete_config(config);
  translation.errors = errors;
  tell(arguments.json ? mosquitto::report_json(translation) : mosquitto::report_text(translation));
  if (!errors.empty()) {
    for (const std::string& error : errors) {
      if (!arguments.json) tell(fmt::format("martlet migrate: {}\n", error));
    }
    return kUsageExit;
  }
  const auto written = arguments.output.empty()
                           ? files.write_stream(env::Handle::standard_output, as_bytes(translation.toml))
                           : files.write_all(arguments.output, as_bytes(translation.toml));
  if (!written) {
    tell(fmt::format("martlet migrate: {}\n", written.error().message));
    return kUsageExit;
  }
  return mosquitto::has_no_equal(translation) ? kNoEqualExit : 0;
}

}  // namespace

int migrate_main(int argc, char** argv) {
  const auto files = env::posix::make_files();
  MigrateArguments arguments;
  CLI::App app("Makes another broker's configuration into Martlet's.", argv[0]);
  describe(app, arguments);
  const auto understand = [&]() -> std::string {
    if (arguments.path.empty() == arguments.options) return {};
    return "DIR_OR_FILE: give a mosquitto.conf or its directory, or --options";
  };
  const CommandEnd end = read_command_line(app, argc, argv, understand);
  if (end.exit_code) return show(end, *files);
  if (arguments.options)
    return files->write_stream(env::Handle::standard_output, as_bytes(option_list())) ? 0 : kUsageExit;
  return migrate(arguments, *files);
}

}  // namespace martlet::server
