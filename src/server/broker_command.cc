#include "server/broker_command.h"

#include <fmt/format.h>

#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/sys_topics.h"
#include "build_info.h"
#include "env/posix/measure.h"
#include "env/posix/system.h"
#include "server/broker_arguments.h"
#include "server/config/option_table.h"
#include "server/core_loop.h"
#include "server/durable/clean_stop.h"
#include "server/durable/open.h"
#include "server/durable/progress.h"
#include "server/durable/recovery.h"
#include "server/loopback.h"

namespace martlet::server {
namespace {

constexpr int kCleanExit = 0;
constexpr int kFailedExit = 1;
constexpr int kUsageExit = 2;

// Where the process speaks outside the log. A stream that cannot be written is not worth an end.
void say(env::Files& files, env::Handle stream, std::string_view text) {
  static_cast<void>(files.write_stream(stream, as_bytes(text)));
}

int fail_with(env::Files& files, int exit_code, std::string_view message) {
  say(files, env::Handle::standard_error, fmt::format("martlet broker: {}\n", message));
  return exit_code;
}

// Refuses an open door: this version asks nobody for a password.
Result<void> check_doors(const ServerConfig& config, env::Network& network) {
  if (config.allow_anonymous_public) return {};
  for (const ListenerConfig& listener : config.listeners) {
    const auto endpoint = env::parse_endpoint(listener.address, kDefaultPort);
    if (!endpoint) return tl::unexpected(endpoint.error());
    const auto local = is_loopback(*endpoint, network);
    if (!local) return tl::unexpected(local.error());
    if (*local) continue;
    return fail(
        fmt::format("{} can be reached by other machines, and this version asks nobody for a password. Listen "
                    "on 127.0.0.1 or [::1], or allow it with --set auth.allow_anonymous_public=true",
                    listener.address));
  }
  return {};
}

// Opens all listeners; returns where they are bound, separated by commas.
Result<std::string> open_listeners(CoreLoop& core, const ServerConfig& config) {
  std::string bound;
  for (const ListenerConfig& listener : config.listeners) {
    const auto endpoint = env::parse_endpoint(listener.address, kDefaultPort);
    if (!endpoint) return tl::unexpected(endpoint.error());
    const auto opened = core.listen(*endpoint, listener.name);
    if (!opened) {
      return fail(fmt::format("{}: choose another address with --listen HOST:PORT, or address in [[listener]]",
                              opened.error().message),
                  opened.error().system_code);
    }
    fmt::format_to(std::back_inserter(bound), "{}{}", bound.empty() ? "" : ", ", env::to_text(*opened));
  }
  return bound;
}

std::string shown(const ServerConfig& config, std::string_view option) {
  return find_option(server_options(), option)->value_text(config);
}

// Where data is, and how safe it is.
std::string data_text(const ServerConfig& config) {
  if (!config.keeps_data()) return "no data directory: nothing outlives the process";
  std::string text = fmt::format("data in {}, durability {}", config.data_dir, shown(config, "store.durability"));
  const std::size_t rules = config.broker.durability.rules.size();
  if (rules != 0) fmt::format_to(std::back_inserter(text), " and {} rule{}", rules, rules == 1 ? "" : "s");
  return text;
}

std::string start_line(const ServerConfig& config, std::string_view bound, std::size_t descriptors) {
  const std::string connections = config.broker.max_connections == 0
                                      ? fmt::format("connections: up to {} descriptors", descriptors)
                                      : fmt::format("max connections {}", config.broker.max_connections);
  return fmt::format(
      "martlet {} listens on {} (max packet {}, max in flight {}, {}); {}. Try: martlet sub -t '#' -v; options: "
      "docs/configuration.md\n",
      version(), bound, shown(config, "limits.max_packet_size"), shown(config, "limits.max_in_flight"), connections,
      data_text(config));
}

void warn_of_limits(const ServerConfig& config, broker::Log& log) {
  if (config.threads > 1) {
    log.write(broker::LogLevel::warning,
              fmt::format("server.threads = {}: this version runs one core", config.threads));
  }
}

// Brings back what the data directory holds; without one, nothing.
Result<void> bring_back(const ServerConfig& config, const DataDirectory& data, CoreLoop& core, env::Clock& clock,
                        env::Files& files, broker::Log& log) {
  if (!data.store) return {};
  RecoveryProgress progress(clock, files, log, env::posix::is_terminal(env::Handle::standard_error));
  if (data.left_out) {
    log.write(broker::LogLevel::warning,
              fmt::format("{}: {}: left out, with all that was written later", config.data_dir, *data.left_out));
  }
  RecoveryOptions options;
  options.skip_damaged = config.skip_damaged;
  options.progress = [&](std::uint64_t done, std::uint64_t total) { progress.show(done, total); };
  options.client_seed = config.broker.client_seed;
  broker::Broker* const brokers[] = {&core.broker()};
  const auto recovered = recover(*data.store, brokers, options, log, clock.now());
  if (!recovered) return tl::unexpected(recovered.error());
  log.write(broker::LogLevel::info,
            fmt::format("{}: {} sessions, {} retained messages and {} owed messages are back, from {} records",
                        config.data_dir, recovered->sessions, recovered->retained, recovered->deliveries,
                        recovered->log_records));
  return {};
}

// Opens the data directory, if there is to be one, and takes from it what the broker's options need.
Result<DataDirectory> open_data(ServerConfig& config, env::Clock& clock, env::Network& network, broker::Log& log) {
  if (!config.keeps_data()) return DataDirectory();
  log.write(broker::LogLevel::info, fmt::format("opens {}", config.data_dir));
  auto opened = open_data_directory(config, 1, clock, [&network](std::uint32_t) { network.wake(); });
  if (!opened) return opened;
  const auto seed = client_seed(*opened->store, config.broker.random_seed);
  if (!seed) return tl::unexpected(seed.error());
  config.broker.client_seed = *seed;
  return opened;
}

// What SIGUSR1 asks for.
std::string dump(const broker::Broker& broker, const broker::RecordSink& records) {
  std::string text = broker.verdicts().dump();
  if (const auto figures = records.figures()) {
    broker::for_each_figure(*figures, [&](std::string_view name, std::uint64_t value) {
      fmt::format_to(std::back_inserter(text), "{} {}\n", name, value);
    });
  }
  return text;
}

int run(ServerConfig& config, env::Files& files) {
  const auto clock = env::posix::make_clock();
  const auto network = env::posix::make_network();
  if (!network) return fail_with(files, kFailedExit, network.error().message);
  if (const auto doors = check_doors(config, **network); !doors) {
    return fail_with(files, kUsageExit, doors.error().message);
  }
  const auto signals = env::posix::make_signals();
  if (!signals) return fail_with(files, kFailedExit, signals.error().message);
  const std::size_t descriptors = env::posix::raise_descriptor_limit();

  config.broker.random_seed = env::posix::make_entropy()->seed();
  config.broker.version = version();
  LineLog log(config.log, *clock, files);
  broker::NoRecords no_records;
  auto opened = open_data(config, *clock, **network, log);
  if (!opened) return fail_with(files, kFailedExit, opened.error().message);
  const DataDirectory data = std::move(*opened);
  broker::RecordSink& records = data.store ? static_cast<broker::RecordSink&>(*data.records[0]) : no_records;
  broker::AllowAll access;
  CoreLoop core(config.broker, config.reactor, {**network, *clock, records, access, access, log});
  if (const auto back = bring_back(config, data, core, *clock, files, log); !back) {
    return fail_with(files, kFailedExit, back.error().message);
  }
  const auto watched = core.watch_signals(**signals, [&] { log.dump(dump(core.broker(), records)); });
  if (!watched) return fail_with(files, kFailedExit, watched.error().message);
  const auto bound = open_listeners(core, config);
  if (!bound) return fail_with(files, kFailedExit, bound.error().message);

  warn_of_limits(config, log);
  say(files, env::Handle::standard_output, start_line(config, *bound, descriptors));
  core.run();
  if (data.store) {
    broker::Broker* const brokers[] = {&core.broker()};
    write_clean_stop(*data.store, brokers);
    records.submit();
    if (const auto closed = data.store->close(); !closed) return fail_with(files, kFailedExit, closed.error().message);
  }
  log.write(broker::LogLevel::info, "stopped");
  return kCleanExit;
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
  ServerConfig config = configure(parsed.arguments, env::posix::environment("STATE_DIRECTORY"), *files, errors);
  for (const std::string& error : errors) fail_with(*files, kUsageExit, error);
  if (!errors.empty()) return kUsageExit;
  if (parsed.arguments.check_only) {
    say(*files, env::Handle::standard_output, "the configuration is in order\n");
    return kCleanExit;
  }
  return run(config, *files);
}

}  // namespace martlet::server
