#include "server/broker_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/sys_topics.h"
#include "build_info.h"
#include "env/posix/measure.h"
#include "env/posix/system.h"
#include "env/posix/threads.h"
#include "server/broker_arguments.h"
#include "server/config/option_table.h"
#include "server/cores/cores.h"
#include "server/durable/clean_stop.h"
#include "server/durable/open.h"
#include "server/durable/progress.h"
#include "server/durable/recovery.h"
#include "server/loopback.h"
#include "topic/interest_table.h"

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
  if (config.auth.allow_anonymous_public) return {};
  for (const ListenerConfig& listener : config.listeners) {
    if (listener.is_unix()) continue;
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

std::string start_line(const ServerConfig& config, std::uint32_t cores, std::string_view bound,
                       std::size_t descriptors) {
  const std::string connections = config.broker.max_connections == 0
                                      ? fmt::format("connections: up to {} descriptors", descriptors)
                                      : fmt::format("max connections {}", config.broker.max_connections);
  return fmt::format(
      "martlet {} listens on {} ({} thread{}, max packet {}, max in flight {}, {}); {}. Try: martlet sub -t '#' -v; "
      "options: docs/configuration.md\n",
      version(), bound, cores, cores == 1 ? "" : "s", shown(config, "limits.max_packet_size"),
      shown(config, "limits.max_in_flight"), connections, data_text(config));
}

// Brings back what the data directory holds; without one, nothing.
Result<void> bring_back(const ServerConfig& config, const DataDirectory& data, Cores& cores, env::Clock& clock,
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
  const auto recovered = recover(*data.store, cores.brokers(), options, log, clock.now());
  if (!recovered) return tl::unexpected(recovered.error());
  log.write(broker::LogLevel::info,
            fmt::format("{}: {} sessions, {} retained messages and {} owed messages are back, from {} records",
                        config.data_dir, recovered->sessions, recovered->retained, recovered->deliveries,
                        recovered->log_records));
  return {};
}

// Opens the data directory, if there is to be one, and takes from it what the broker's options need.
Result<DataDirectory> open_data(ServerConfig& config, std::span<env::Network* const> networks, env::Clock& clock,
                                broker::Log& log) {
  if (!config.keeps_data()) return DataDirectory();
  log.write(broker::LogLevel::info, fmt::format("opens {}", config.data_dir));
  const std::vector<env::Network*> by_core(networks.begin(), networks.end());
  auto opened = open_data_directory(config, static_cast<std::uint32_t>(networks.size()), clock,
                                    [by_core](std::uint32_t core) { by_core[core]->wake(); });
  if (!opened) return opened;
  const auto seed = client_seed(*opened->store, config.broker.random_seed);
  if (!seed) return tl::unexpected(seed.error());
  config.broker.client_seed = *seed;
  return opened;
}

// What SIGUSR1 asks for.
std::string dump(const broker::Broker& broker, const broker::RecordSink& records, std::string_view thread) {
  std::string text = fmt::format("{}{}", thread, broker.verdicts().dump());
  if (const auto figures = records.figures()) {
    broker::for_each_figure(*figures, [&](std::string_view name, std::uint64_t value) {
      fmt::format_to(std::back_inserter(text), "{} {}\n", name, value);
    });
  }
  return text;
}

// One for each core.
Result<std::vector<std::unique_ptr<env::Network>>> make_networks(std::uint32_t cores, env::posix::Polling polling) {
  std::vector<std::unique_ptr<env::Network>> networks;
  for (std::uint32_t core = 0; core < cores; ++core) {
    auto network = env::posix::make_network(polling);
    if (!network) return tl::unexpected(network.error());
    networks.push_back(std::move(*network));
  }
  return networks;
}

// Behind the last turn of all cores: the next start need not read the log.
Result<void> close_data(const DataDirectory& data, Cores& cores) {
  if (!data.store) return {};
  if (cores.settled()) write_clean_stop(*data.store, cores.brokers());
  for (const auto& records : data.records) records->submit();
  return data.store->close();
}

Result<void> serve(ServerConfig& config, std::span<env::Network* const> networks, env::Signals& signals,
                   env::Clock& clock, env::Files& files, LineLog& log) {
  const std::size_t descriptors = env::posix::raise_descriptor_limit();
  auto opened = open_data(config, networks, clock, log);
  if (!opened) return tl::unexpected(opened.error());
  const DataDirectory data = std::move(*opened);
  broker::NoRecords no_records;
  std::vector<broker::RecordSink*> records(networks.size(), &no_records);
  for (std::size_t core = 0; core < data.records.size(); ++core) records[core] = data.records[core].get();
  broker::AllowAll access;
  Cores cores(config, networks, records, {clock, access, access, log});
  if (auto back = bring_back(config, data, cores, clock, files, log); !back) return back;
  for (std::uint32_t core = 0; core < cores.count(); ++core) {
    const broker::Broker& broker = cores.loop(core).broker();
    // Each thread tells of its own clients.
    const std::string thread = cores.count() == 1 ? "" : fmt::format("thread {} of {}\n", core + 1, cores.count());
    cores.loop(core).on_dump([&log, &broker, sink = records[core], thread] { log.dump(dump(broker, *sink, thread)); });
  }
  if (auto watched = cores.loop(0).watch_signals(signals); !watched) return watched;
  const auto bound = cores.listen();
  if (!bound) return tl::unexpected(bound.error());
  say(files, env::Handle::standard_output, start_line(config, cores.count(), *bound, descriptors));
  cores.run();
  return close_data(data, cores);
}

// What log.format = "auto" stands for.
void decide_log_format(LogOptions& log) {
  if (log.format != LogFormat::automatic) return;
  log.format = env::posix::is_terminal(env::Handle::standard_error) ? LogFormat::text : LogFormat::json;
}

int run(ServerConfig& config, env::Files& files) {
  decide_log_format(config.log);
  const auto clock = env::posix::make_clock();
  const std::uint32_t processors = std::min(env::posix::usable_processors(), topic::InterestTable::kMostCores);
  const auto networks = make_networks(config.threads != 0 ? config.threads : processors, config.io);
  if (!networks) return fail_with(files, kFailedExit, networks.error().message);
  if (const auto doors = check_doors(config, *networks->front()); !doors) {
    return fail_with(files, kUsageExit, doors.error().message);
  }
  const auto signals = env::posix::make_signals();
  if (!signals) return fail_with(files, kFailedExit, signals.error().message);
  const auto entropy = env::posix::make_entropy();
  config.broker.random_seed = entropy->seed();
  config.broker.client_seed = entropy->seed() | 1;
  config.broker.version = version();
  LineLog log(config.log, *clock, files);
  log.write(broker::LogLevel::debug,
            networks->front()->streams() ? "serves sockets with io_uring" : "serves sockets with epoll");
  std::vector<env::Network*> by_core;
  for (const auto& network : *networks) by_core.push_back(network.get());
  if (const auto served = serve(config, by_core, **signals, *clock, files, log); !served) {
    return fail_with(files, kFailedExit, served.error().message);
  }
  log.write(broker::LogLevel::info, "stopped");
  return kCleanExit;
}

StartEnvironment start_environment() {
  return {env::posix::environment("STATE_DIRECTORY"), env::posix::environment_with_prefix(kEnvironmentPrefix)};
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
  for (const std::string& error : errors) fail_with(*files, kUsageExit, error);
  if (!errors.empty()) return kUsageExit;
  if (parsed.arguments.check_only) {
    say(*files, env::Handle::standard_output, "the configuration is in order\n");
    return kCleanExit;
  }
  return run(config, *files);
}

}  // namespace martlet::server
