#include "server/broker_arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <utility>

#include "base/nearest.h"
#include "server/config/complete.h"
#include "server/mosquitto/translate.h"

namespace martlet::server {
namespace {

constexpr std::size_t kMaxConfigBytes = 4 * 1024 * 1024;

void refuse_daemon() {
  throw CLI::ValidationError("-d",
                             "the broker stays in the foreground; let the service manager start it, or a shell with &");
}

void describe(CLI::App& app, BrokerArguments& arguments) {
  app.add_option("--listen", arguments.listen,
                 "Listen here, in place of the configuration's listeners; may be given several times. Default: "
                 "127.0.0.1:1883; port 0 takes a free one")
      ->type_name("HOST:PORT")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--config", arguments.config_file, "Read this configuration file (docs/configuration.md)")
      ->type_name("FILE");
  app.add_option("--set", arguments.assignments,
                 "Set one option of the configuration, as in --set limits.max_packet_size=64KiB; may be given several "
                 "times")
      ->type_name("SECTION.KEY=VALUE")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--data", arguments.data_dir,
                 "Directory for what outlives the process (server.data_dir); none: nothing does. Default: martlet-data "
                 "beside the configuration file, or here without one")
      ->type_name("DIR");
  app.add_option("--threads", arguments.threads, "Threads that serve clients (server.threads)")->type_name("N");
  app.add_option("-c,--mosquitto-conf,--config-file", arguments.mosquitto_conf,
                 "Run with this mosquitto.conf; what has no equal is logged (martlet migrate mosquitto translates it)")
      ->type_name("FILE");
  app.add_option("-p,--port", arguments.ports,
                 "Listen on this port of 127.0.0.1; as in Mosquitto, the listeners of a file come first; may be given "
                 "several times")
      ->type_name("PORT")
      ->take_all()
      ->allow_extra_args(false);
  app.add_flag("-v,--verbose", arguments.verbose, "Log everything (log.level = debug)");
  app.add_flag("--check", arguments.check_only, "Check the configuration and end");
  app.add_flag_callback("-d,--daemon", refuse_daemon, "Not offered: the broker stays in the foreground")->group("");
  app.footer(
      "\nExit codes: 0 stopped cleanly, 1 failed while running, 2 bad usage or configuration.\n"
      "SIGINT and SIGTERM stop the broker; SIGUSR1 writes the latest verdicts, and how the store does, to standard "
      "error.");
  app.allow_extras();
}

std::string unknown_argument(const CLI::App& app, const std::string& argument) {
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options()) known.push_back(option->get_name());
  const std::vector<std::string_view> names(known.begin(), known.end());
  return fmt::format("unknown argument \"{}\"{}", argument, suggestion(argument.substr(0, argument.find('=')), names));
}

// Where data is kept if nobody says where: a service in the first of the directories that systemd made for it,
// everybody else beside the configuration.
std::string default_data_dir(const std::optional<std::string>& config_file, std::string_view state_directory) {
  if (!state_directory.empty()) return std::string(state_directory.substr(0, state_directory.find(':')));
  const std::size_t slash = config_file ? config_file->rfind('/') : std::string::npos;
  return fmt::format("{}/martlet-data", slash == std::string::npos ? "." : config_file->substr(0, slash));
}

std::optional<std::string> config_file(const BrokerArguments& arguments, const StartEnvironment& environment) {
  if (arguments.config_file || arguments.mosquitto_conf) return arguments.config_file;
  for (const auto& [name, value] : environment.variables) {
    if (name == kConfigVariable && !value.empty()) return value;
  }
  return std::nullopt;
}

// --listen in place of the file's listeners; nothing of these is left.
void replace_listeners(ServerConfig& config, const std::vector<std::string>& addresses) {
  config.listeners.clear();
  std::erase_if(config.places, [](const auto& place) { return place.first.starts_with("listener["); });
  for (const std::string& address : addresses) {
    config.places.insert_or_assign(fmt::format("listener[{}].address", config.listeners.size()), "--listen");
    config.listeners.emplace_back().address = address;
  }
}

std::vector<std::string> local_addresses(const std::vector<std::uint16_t>& ports) {
  std::vector<std::string> addresses;
  addresses.reserve(ports.size());
  for (const std::uint16_t port : ports) addresses.push_back(fmt::format("127.0.0.1:{}", port));
  return addresses;
}

ConfigErrors apply_mosquitto_conf(ServerConfig& config, const BrokerArguments& arguments,
                                  const StartEnvironment& environment, env::Files& files) {
  const mosquitto::Source source{[&](const std::string& path) { return files.read_all(path, kMaxConfigBytes); },
                                 environment.list_directory};
  const mosquitto::Translation translation =
      mosquitto::translate_file(*arguments.mosquitto_conf, source, arguments.ports);
  ConfigErrors errors = mosquitto::apply_translation(config, translation);
  for (const mosquitto::ReportLine& line : translation.report) {
    if (line.fate == mosquitto::Fate::kept) continue;
    config.notes.push_back(
        fmt::format("{}: {} {} ({}): {}", line.place, line.key, line.value, mosquitto::to_text(line.fate), line.note));
  }
  return errors;
}

}  // namespace

ParsedArguments parse_broker_arguments(int argc, char** argv) {
  BrokerArguments arguments;
  CLI::App app("Runs an MQTT broker (3.1, 3.1.1 and 5.0).", argv[0]);
  describe(app, arguments);
  const auto understand = [&]() -> std::string {
    if (arguments.mosquitto_conf && arguments.config_file) return "-c: give --config or --mosquitto-conf, not both";
    const std::vector<std::string> extras = app.remaining();
    return extras.empty() ? std::string() : unknown_argument(app, extras.front());
  };
  CommandEnd end = read_command_line(app, argc, argv, understand);
  return {std::move(end), std::move(arguments)};
}

ServerConfig configure(const BrokerArguments& arguments, const StartEnvironment& environment, env::Files& files,
                       ConfigErrors& errors) {
  ServerConfig config;
  const auto add = [&](ConfigErrors more) { errors.insert(errors.end(), more.begin(), more.end()); };
  const std::optional<std::string> file = config_file(arguments, environment);
  if (arguments.mosquitto_conf) {
    add(apply_mosquitto_conf(config, arguments, environment, files));
  } else if (file) {
    if (const auto text = files.read_all(*file, kMaxConfigBytes); text) {
      add(apply_toml(config, *text, *file));
    } else {
      errors.push_back(
          fmt::format("{}: {}", arguments.config_file ? "--config" : "$MARTLET_CONFIG", text.error().message));
    }
  }
  add(apply_environment(config, environment.variables));
  const auto set = [&](const std::string& assignment) {
    if (const auto applied = apply_assignment(config, assignment); !applied) errors.push_back(applied.error().message);
  };
  for (const std::string& assignment : arguments.assignments) set(assignment);
  if (arguments.data_dir) set("server.data_dir=" + *arguments.data_dir);
  if (arguments.threads) set("server.threads=" + *arguments.threads);
  if (arguments.verbose) set("log.level=debug");
  if (config.listeners.empty()) replace_listeners(config, local_addresses(arguments.ports));
  if (!arguments.listen.empty()) replace_listeners(config, arguments.listen);
  config.data_dir_is_default = config.data_dir.empty();
  if (config.data_dir_is_default) config.data_dir = default_data_dir(file, environment.state_directory);
  // What a file that cannot be read would have set is not missed.
  add(complete_config(config));
  return config;
}

}  // namespace martlet::server
