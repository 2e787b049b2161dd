#include "server/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/sys_topics.h"
#include "build_info.h"
#include "env/posix/measure.h"
#include "env/posix/privileges.h"
#include "env/posix/service_manager.h"
#include "env/posix/system.h"
#include "env/posix/threads.h"
#include "server/access/access_policy.h"
#include "server/command_line.h"
#include "server/config/effective.h"
#include "server/control/questions.h"
#include "server/control/steward.h"
#include "server/cores/cores.h"
#include "server/durable/clean_stop.h"
#include "server/durable/open.h"
#include "server/durable/progress.h"
#include "server/durable/recovery.h"
#include "server/preparation.h"
#include "server/reload.h"
#include "server/start_lines.h"
#include "topic/interest_table.h"

namespace martlet::server {
namespace {

// Where the process speaks outside the log. A stream that cannot be written is not worth an end.
void say(env::Files& files, env::Handle stream, std::string_view text) {
  static_cast<void>(files.write_stream(stream, as_bytes(text)));
}

int fail_with(env::Files& files, int exit_code, std::string_view message) {
  say(files, env::Handle::standard_error, fmt::format("martlet broker: {}\n", message));
  return exit_code;
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

// What log.format = "auto" stands for.
void decide_log_format(LogOptions& log) {
  if (log.format != LogFormat::automatic) return;
  log.format = env::posix::is_terminal(env::Handle::standard_error) ? LogFormat::text : LogFormat::json;
}

// The process's means: what everything else is built on.
struct Means {
  env::Files& files;
  env::Clock& clock;
  env::Entropy& entropy;
  env::Signals& signals;
  const env::posix::ServiceManager& manager;
  LineLog& log;
  std::span<env::Network* const> networks;
};

class Service {
 public:
  Service(ServerConfig config, Reloader::Read read, const Means& means)
      : config_(std::move(config)), read_(std::move(read)), means_(means) {}

  // Makes what may need to be root: keys and lists of users may be readable for root alone. All that is wrong with the
  // configuration is added to `errors`; then there is nothing to run().
  void prepare(ConfigErrors& errors);
  Result<void> run();

 private:
  AccessMeans access_means() const;
  Result<void> open();
  Result<void> open_control();
  ReloadReport reload();
  void tell(const ReloadReport& report, std::string_view what);
  void warn();
  StewardTasks tasks();

  ServerConfig config_;
  Reloader::Read read_;
  const Means means_;
  std::unique_ptr<auth::Workers> workers_;
  std::unique_ptr<Doors> doors_;
  AccessPolicy access_;
  std::unique_ptr<Admission> admission_;
  DataDirectory data_;
  broker::NoRecords no_records_;
  std::unique_ptr<Cores> cores_;
  std::unique_ptr<Reloader> reloader_;
  std::unique_ptr<ControlParts> control_;
  std::unique_ptr<Steward> steward_;
};

AccessMeans Service::access_means() const {
  return {means_.files, means_.clock, means_.entropy, *workers_, means_.log.room("auth")};
}

void Service::prepare(ConfigErrors& errors) {
  workers_ = std::make_unique<auth::Workers>(config_.auth.workers, config_.auth.max_waiting);
  auto prepared = server::prepare(config_, {access_means(), *means_.networks.front()}, errors);
  if (!prepared) return;
  doors_ = std::move(prepared->doors);
  access_ = std::move(prepared->access);
}

Result<void> Service::open() {
  if (!config_.user.empty() && env::posix::is_root()) {
    if (auto become = env::posix::become_user(config_.user, config_.group); !become) return become;
  }
  broker::Log& log = means_.log.room("store");
  auto data = open_data(config_, means_.networks, means_.clock, log);
  if (!data) return tl::unexpected(data.error());
  data_ = std::move(*data);
  std::vector<broker::RecordSink*> records(means_.networks.size(), &no_records_);
  for (std::size_t core = 0; core < data_.records.size(); ++core) records[core] = data_.records[core].get();
  for (const ListenerConfig& listener : config_.listeners) {
    config_.broker.listeners.push_back(policy_of(config_, listener));
  }
  admission_ = std::make_unique<Admission>(config_.abuse, means_.entropy.seed(), &means_.log.room("net"));
  cores_ = std::make_unique<Cores>(config_, means_.networks, records, access_,
                                   CoresDependencies{means_.clock, means_.log.room("broker"), means_.log.room("net"),
                                                     *admission_, *doors_, means_.manager.sockets()});
  if (auto back = bring_back(config_, data_, *cores_, means_.clock, means_.files, log); !back) return back;
  for (std::uint32_t core = 0; core < cores_->count(); ++core) {
    const broker::Broker& broker = cores_->loop(core).broker();
    // Each thread tells of its own clients.
    const std::string thread = cores_->count() == 1 ? "" : fmt::format("thread {} of {}\n", core + 1, cores_->count());
    cores_->loop(core).on_dump(
        [this, &broker, sink = records[core], thread] { means_.log.dump(dump(broker, *sink, thread)); });
  }
  reloader_ = std::make_unique<Reloader>(
      read_, config_, access_,
      ReloadTargets{access_means(), *means_.networks.front(), *doors_, *admission_, *cores_, means_.log});
  return open_control();
}

Result<void> Service::open_control() {
  const std::string path = config_.control_path();
  auto server = path.empty() ? env::posix::LocalServer::without_socket() : env::posix::LocalServer::open(path);
  if (!server && config_.control.empty()) {
    // Nobody has asked for it.
    means_.log.write(broker::LogLevel::warning,
                     fmt::format("{}: martlet ctl cannot reach this broker; name another path with server.control",
                                 server.error().message));
    server = env::posix::LocalServer::without_socket();
  }
  if (!server) return fail(fmt::format("server.control: {}", server.error().message), server.error().system_code);
  control_ = std::make_unique<ControlParts>(ControlParts{*cores_, *admission_, *reloader_, means_.clock,
                                                         means_.clock.now().wall_ms, [this] { return reload(); }});
  steward_ = std::make_unique<Steward>(std::move(*server), means_.manager, means_.clock, tasks());
  cores_->loop(0).on_reload([this] { steward_->request_reload(); });
  return {};
}

StewardTasks Service::tasks() {
  StewardTasks tasks;
  tasks.reload = [this] { reload(); };
  tasks.reload_watched = [this] {
    tell(reloader_->reload_certificates(), "certificates changed");
    warn();
  };
  tasks.watched_files = [this] { return doors_->files(); };
  tasks.daily = [this] { warn(); };
  tasks.answer = [this](std::string_view question) { return answer_question(question, *control_); };
  tasks.ask_cores = [this](const std::function<void()>& turned) { cores_->on_each(turned); };
  tasks.cores = cores_->count();
  return tasks;
}

// The steward's thread.
ReloadReport Service::reload() {
  means_.manager.notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", means_.clock.now().mono_ms * 1000));
  ReloadReport report = reloader_->reload();
  tell(report, "reload");
  warn();
  means_.manager.notify("READY=1");
  return report;
}

void Service::tell(const ReloadReport& report, std::string_view what) {
  for (const std::string& error : report.errors) {
    means_.log.write(broker::LogLevel::error, fmt::format("{}: {}: nothing was changed", what, error));
  }
  if (!report.ok()) return;
  means_.log.write(broker::LogLevel::info,
                   fmt::format("{}: done; changed options: {}", what,
                               report.changed.empty() ? "none" : fmt::format("{}", fmt::join(report.changed, ", "))));
  if (report.restart.empty()) return;
  means_.log.write(broker::LogLevel::warning,
                   fmt::format("{}: these hold after a restart: {}", what, fmt::join(report.restart, ", ")));
}

void Service::warn() {
  for (const Notice& notice : doors_->notices(means_.clock.now().wall_ms)) {
    means_.log.room("net").write(notice.level, notice.text);
  }
}

Result<void> Service::run() {
  const std::size_t descriptors = env::posix::raise_descriptor_limit();
  if (auto opened = open(); !opened) return opened;
  if (auto watched = cores_->loop(0).watch_signals(means_.signals); !watched) return watched;
  const auto bound = cores_->listen();
  if (!bound) return tl::unexpected(bound.error());
  warn();
  const StartFacts facts{cores_->count(), *bound, descriptors};
  log_start(config_, facts, means_.log, means_.log.room("net"));
  say(means_.files, env::Handle::standard_output, start_line(config_, facts));
  means_.manager.notify(fmt::format("READY=1\nSTATUS=listens on {}", fmt::join(*bound, ", ")));
  steward_->start();
  cores_->run();
  means_.manager.notify("STOPPING=1");
  steward_.reset();
  workers_->stop(auth::Workers::kStopMs);
  return close_data(data_, *cores_);
}

}  // namespace

int run_service(ServerConfig config, std::function<ServerConfig(ConfigErrors&)> read, env::Files& files) {
  decide_log_format(config.log);
  read = [as_read = std::move(read)](ConfigErrors& errors) {
    ServerConfig again = as_read(errors);
    decide_log_format(again.log);
    return again;
  };
  const auto clock = env::posix::make_clock();
  const auto manager = env::posix::ServiceManager::from_environment();
  const std::uint32_t processors = std::min(env::posix::usable_processors(), topic::InterestTable::kMostCores);
  const auto networks = make_networks(config.threads != 0 ? config.threads : processors, config.io);
  if (!networks) return fail_with(files, kFailedExit, networks.error().message);
  const auto signals = env::posix::make_signals();
  if (!signals) return fail_with(files, kFailedExit, signals.error().message);
  const auto entropy = env::posix::make_entropy();
  config.broker.random_seed = entropy->seed();
  config.broker.client_seed = entropy->seed() | 1;
  config.broker.version = version();
  const bool json = config.log.format == LogFormat::json;
  LineLog log(config.log, *clock, files);
  log.room("net").write(broker::LogLevel::debug,
                        networks->front()->streams() ? "serves sockets with io_uring" : "serves sockets with epoll");
  for (const std::string& note : config.notes) log.write(broker::LogLevel::warning, note);
  std::vector<env::Network*> by_core;
  for (const auto& network : *networks) by_core.push_back(network.get());
  {
    Service service(std::move(config), std::move(read), {files, *clock, *entropy, **signals, manager, log, by_core});
    const auto fail = [&](int exit_code, const std::string& message) {
      if (!json) return fail_with(files, exit_code, message);
      log.write(broker::LogLevel::error, message);
      return exit_code;
    };
    ConfigErrors errors;
    service.prepare(errors);
    for (const std::string& error : errors) fail(kUsageExit, error);
    if (!errors.empty()) return kUsageExit;
    if (const auto served = service.run(); !served) return fail(kFailedExit, served.error().message);
  }
  log.write(broker::LogLevel::info, "stopped");
  return kCleanExit;
}

}  // namespace martlet::server
