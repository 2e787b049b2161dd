#include "tools/bench/run.h"

#include <fmt/format.h>

#include <limits>
#include <memory>
#include <thread>
#include <vector>

#include "env/posix/measure.h"
#include "env/posix/system.h"
#include "tools/bench/worker.h"

namespace martlet::tools::bench {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
// All threads see the new phase before its first message is due.
constexpr std::uint64_t kStartDelayNs = 20'000'000;
// Connecting or subscribing without any progress for so long has failed.
constexpr std::uint64_t kSetUpStallNs = 30 * kSecondNs;

std::uint64_t to_ns(double seconds) {
  return static_cast<std::uint64_t>(seconds * 1e9);
}

std::string_view phase_name(Phase phase) {
  switch (phase) {
    case Phase::connecting:
      return "connecting";
    case Phase::subscribing:
      return "subscribing";
    case Phase::leaving:
      return "leaving";
    case Phase::collecting:
      return "coming back";
    case Phase::cleaning:
      return "cleaning up";
    case Phase::running:
    case Phase::done:
      break;
  }
  return "";
}

struct Totals {
  std::uint64_t connected = 0, subscribed = 0, sent = 0, received = 0, acknowledged = 0;
  bool all_sent = true, failed = false;
  unsigned phases_over = std::numeric_limits<unsigned>::max();
};

class Run {
 public:
  Run(const BenchOptions& options, env::Files& files, const std::function<void(std::string_view)>& report,
      RunResult& result)
      : options_(options),
        files_(files),
        report_(report),
        result_(result),
        shared_(options.publishers, options.threads) {}

  Result<void> go();

 private:
  Result<void> open();
  Result<void> set_up(Phase phase, unsigned number, double& seconds);
  void load();
  void await_deliveries();
  // Stored first: all sent messages are acknowledged, or were given up.
  bool acknowledged(const Totals& totals, std::uint64_t now_ns);
  Result<void> collect();
  Result<void> go_stored_first();
  bool drained(const Totals& totals, std::uint64_t now_ns);
  void sum_up();
  Totals totals() const;
  void tick(std::uint64_t now_ns, std::string_view what);
  ProcessSample sample();
  // Turns this thread's worker; returns the time.
  std::uint64_t turn() {
    workers_.front()->turn();
    return env::posix::monotonic_ns();
  }

  const BenchOptions& options_;
  env::Files& files_;
  const std::function<void(std::string_view)>& report_;
  RunResult& result_;
  SharedState shared_;
  std::unique_ptr<TransportMaker> transports_;
  std::vector<std::unique_ptr<env::Network>> networks_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
  BrokerUse use_;
  std::uint64_t reported_ns_ = 0;
  Totals reported_;
  std::uint64_t drain_progress_ns_ = 0;
  std::uint64_t drain_received_ = 0;
  std::uint64_t acknowledged_ns_ = 0;  // of the last progress
  std::uint64_t last_acknowledged_ = 0;
};

Result<void> Run::open() {
  for (unsigned i = 0; i < options_.threads; ++i) {
    auto network = env::posix::make_network();
    if (!network) return tl::unexpected(network.error());
    networks_.push_back(std::move(*network));
  }
  const auto addresses = networks_.front()->resolve(options_.broker);
  if (!addresses) return tl::unexpected(addresses.error());
  auto transports = TransportMaker::make(options_);
  if (!transports) return tl::unexpected(transports.error());
  transports_ = std::move(*transports);
  for (unsigned i = 0; i < options_.threads; ++i) {
    workers_.push_back(std::make_unique<Worker>(options_, addresses->front(), *networks_[i], *transports_, shared_, i));
  }
  return {};
}

Totals Run::totals() const {
  Totals sum;
  for (const auto& worker : workers_) {
    const WorkerProgress& progress = worker->progress;
    // Before what was received: no delivery may be counted whose message is not.
    sum.all_sent = sum.all_sent && progress.all_sent.load(std::memory_order_acquire);
    sum.connected += progress.connected.load(std::memory_order_relaxed);
    sum.subscribed += progress.subscribed.load(std::memory_order_relaxed);
    sum.sent += progress.sent.load(std::memory_order_relaxed);
    sum.received += progress.received.load(std::memory_order_acquire);
    sum.acknowledged += progress.acknowledged.load(std::memory_order_relaxed);
    sum.failed = sum.failed || progress.failed.load(std::memory_order_relaxed);
    sum.phases_over = std::min(sum.phases_over, progress.phases_over.load(std::memory_order_acquire));
  }
  return sum;
}

ProcessSample Run::sample() {
  if (options_.pid == 0) return {};
  return sample_process(files_, options_.pid).value_or(ProcessSample{});
}

void Run::tick(std::uint64_t now_ns, std::string_view what) {
  if (now_ns < reported_ns_ + kSecondNs) return;
  const Totals now = totals();
  if (reported_ns_ != 0) {
    const double seconds = static_cast<double>(now_ns - reported_ns_) / 1e9;
    const auto rate = [&](std::uint64_t after, std::uint64_t before) {
      return static_cast<double>(after - before) / seconds;
    };
    std::string line = fmt::format("{:<11} {:>8} connections {:>9} subscriptions {:>11.0f} sent/s {:>11.0f} received/s",
                                   what, now.connected, now.subscribed, rate(now.sent, reported_.sent),
                                   rate(now.received, reported_.received));
    if (is_stored_first(options_)) {
      line += fmt::format(" {:>11.0f} acknowledged/s", rate(now.acknowledged, reported_.acknowledged));
    }
    report_(line);
  }
  reported_ns_ = now_ns;
  reported_ = now;
}

Result<void> Run::set_up(Phase phase, unsigned number, double& seconds) {
  const std::uint64_t began_ns = env::posix::monotonic_ns();
  if (phase == Phase::connecting) shared_.connect_from_ns = began_ns;
  shared_.phase.store(phase, std::memory_order_release);
  if (phase == Phase::connecting) {
    for (unsigned i = 1; i < options_.threads; ++i) {
      threads_.emplace_back([this, i] {
        while (shared_.phase.load(std::memory_order_acquire) != Phase::done) workers_[i]->turn();
        workers_[i]->finish();
      });
    }
  }
  Totals last;
  std::uint64_t progress_ns = began_ns;
  for (;;) {
    const std::uint64_t now_ns = turn();
    const Totals now = totals();
    if (now.failed) return fail("the run stopped before the load");
    if (now.phases_over >= number) {
      seconds = static_cast<double>(now_ns - began_ns) / 1e9;
      if (phase == Phase::connecting) result_.connections = now.connected;
      return {};
    }
    if (now.connected != last.connected || now.subscribed != last.subscribed || now.acknowledged != last.acknowledged) {
      progress_ns = now_ns;
    }
    if (now_ns > progress_ns + kSetUpStallNs) {
      return fail(
          fmt::format("the broker stopped answering: {} connections, {} subscriptions", now.connected, now.subscribed));
    }
    last = now;
    tick(now_ns, phase_name(phase));
  }
}

void Run::load() {
  shared_.start_ns = env::posix::monotonic_ns() + kStartDelayNs;
  const bool counted = options_.messages > 0;
  const double warmup_s = options_.scenario == Scenario::connect ? 0 : options_.warmup_s;
  // Every message counts when they are counted, those too that a thread sends before the others have seen the phase.
  shared_.measure_from_ns = counted ? env::posix::monotonic_ns() : shared_.start_ns + to_ns(warmup_s);
  shared_.measure_to_ns =
      counted ? std::numeric_limits<std::uint64_t>::max() : shared_.measure_from_ns + to_ns(options_.duration_s);
  std::uint64_t began_ns = 0;
  Totals at_begin;
  const auto begin = [&](std::uint64_t now_ns) {
    began_ns = now_ns;
    at_begin = totals();
    use_.measure_begin = sample();
  };
  if (counted) begin(shared_.measure_from_ns);
  shared_.phase.store(Phase::running, std::memory_order_release);
  std::uint64_t now_ns = 0;
  while (now_ns < shared_.measure_to_ns) {
    now_ns = turn();
    if (began_ns == 0 && now_ns >= shared_.measure_from_ns) begin(now_ns);
    if (counted && acknowledged(totals(), now_ns)) break;
    tick(now_ns, began_ns == 0 ? "warm-up" : "measuring");
  }
  use_.measure_end = sample();
  const Totals at_end = totals();
  use_.measured_s = static_cast<double>(now_ns - began_ns) / 1e9;
  use_.received_between = at_end.received - at_begin.received;
  use_.sent_between = at_end.sent - at_begin.sent;
  result_.offline.acknowledged_between = at_end.acknowledged - at_begin.acknowledged;
  result_.measured_s = counted ? use_.measured_s : options_.duration_s;
}

void Run::await_deliveries() {
  drain_progress_ns_ = env::posix::monotonic_ns();
  for (;;) {
    const std::uint64_t now_ns = turn();
    if (drained(totals(), now_ns)) break;
    tick(now_ns, "draining");
  }
}

bool Run::drained(const Totals& totals, std::uint64_t now_ns) {
  if (totals.received != drain_received_) {
    drain_received_ = totals.received;
    drain_progress_ns_ = now_ns;
  }
  if (totals.all_sent && totals.received >= totals.sent * deliveries_per_message(options_)) {
    // A doubled message would follow closely.
    return now_ns > drain_progress_ns_ + kSecondNs / 10;
  }
  if (now_ns < drain_progress_ns_ + to_ns(options_.drain_s)) return false;
  result_.drained = result_.drained && totals.all_sent;
  return true;
}

bool Run::acknowledged(const Totals& totals, std::uint64_t now_ns) {
  if (totals.phases_over >= 4) return true;
  if (totals.acknowledged != last_acknowledged_) {
    last_acknowledged_ = totals.acknowledged;
    acknowledged_ns_ = now_ns;
  }
  // Before the first one: since the load began.
  if (now_ns < std::max(acknowledged_ns_, shared_.start_ns) + to_ns(options_.drain_s)) return false;
  result_.drained = false;
  return true;
}

Result<void> Run::collect() {
  OfflineResult& offline = result_.offline;
  offline.drain_begin = sample();
  const std::uint64_t began_ns = env::posix::monotonic_ns();
  double connect_s = 0;
  if (auto back = set_up(Phase::collecting, 5, connect_s); !back) return back;
  await_deliveries();
  offline.drain_end = sample();
  offline.drain_s = static_cast<double>(drain_progress_ns_ - began_ns) / 1e9;
  return {};
}

Result<void> Run::go_stored_first() {
  OfflineResult& offline = result_.offline;
  double seconds = 0;
  if (options_.scenario == Scenario::offline) {
    if (auto away = set_up(Phase::leaving, 3, seconds); !away) return away;
  }
  offline.before = sample();
  load();
  while (!acknowledged(totals(), env::posix::monotonic_ns())) tick(turn(), "finishing");
  offline.acknowledged = totals().acknowledged;
  offline.owed = offline.acknowledged * deliveries_per_message(options_);
  offline.full = sample();
  Result<void> outcome;
  if (options_.collect) outcome = collect();
  offline.cleaned = options_.scenario == Scenario::offline
                        ? set_up(Phase::cleaning, 6, seconds).has_value()
                        : set_up(Phase::leaving, 6, seconds) && set_up(Phase::cleaning, 7, seconds);
  return outcome;
}

void Run::sum_up() {
  std::vector<std::uint64_t> sent(options_.publishers);
  for (const auto& worker : workers_) {
    for (std::uint32_t i = 0; i < options_.publishers; ++i) sent[i] += worker->sent_by(i);
  }
  std::vector<SharedTracker> group = workers_.front()->group();
  for (const auto& worker : workers_) {
    const WorkerResult& part = worker->result();
    result_.faults += part.faults;
    if (options_.collect) result_.faults.missing += worker->missing(sent);
    result_.latency_ns.add(part.latency_ns);
    result_.ack_ns.add(part.ack_ns);
    result_.late_ns.add(part.late_ns);
    result_.handshake_ns.add(part.handshake_ns);
    result_.round_ns.add(part.round_ns);
    result_.sent_in_window += part.sent_in_window;
    result_.received_in_window += part.received_in_window;
    result_.offline.acknowledged_in_window += part.acknowledged_in_window;
    result_.refused += part.refused;
    result_.connections_lost += part.connections_lost;
    result_.stalls += part.stalls;
    if (result_.error.empty()) result_.error = part.error;
    if (result_.first_fault.empty()) result_.first_fault = part.first_fault;
    if (worker == workers_.front()) continue;
    for (std::size_t i = 0; i < group.size(); ++i) group[i].merge(worker->group()[i], result_.faults);
  }
  for (std::size_t i = 0; i < group.size() && options_.collect; ++i) {
    result_.faults.missing += group[i].missing(sent[i]);
  }
  const Totals sum = totals();
  result_.subscriptions = sum.subscribed;
  result_.sent = sum.sent;
  result_.received = sum.received;
  if (options_.pid != 0) result_.broker = use_;
}

Result<void> Run::go() {
  if (options_.pid != 0) {
    const auto first = sample_process(files_, options_.pid);
    if (!first) return fail(fmt::format("--pid: {}", first.error().message));
    use_.before = *first;
  }
  if (auto opened = open(); !opened) return opened;
  Result<void> outcome = set_up(Phase::connecting, 1, result_.connect_s);
  use_.connected = sample();
  if (outcome && !is_silent(options_) && options_.scenario != Scenario::retained) {
    outcome = set_up(Phase::subscribing, 2, result_.subscribe_s);
  }
  use_.subscribed = sample();
  if (outcome && is_stored_first(options_)) {
    outcome = go_stored_first();
  } else if (outcome) {
    load();
    await_deliveries();
  }
  shared_.phase.store(Phase::done, std::memory_order_release);
  for (std::thread& thread : threads_) thread.join();
  workers_.front()->finish();
  sum_up();
  if (!outcome && !result_.error.empty()) outcome = fail(result_.error);
  return outcome;
}

}  // namespace

bool is_clean(const RunResult& result, const BenchOptions& options) {
  Faults faults = result.faults;
  if (options.allow_loss && options.qos == 0) faults.missing = 0;
  if (is_stored_first(options) && !result.offline.cleaned) return false;
  return faults == Faults{} && result.refused == 0 && result.connections_lost == 0 && result.drained;
}

Result<void> run_bench(const BenchOptions& options, env::Files& files,
                       const std::function<void(std::string_view)>& report_progress, RunResult& result) {
  return Run(options, files, report_progress, result).go();
}

}  // namespace martlet::tools::bench
