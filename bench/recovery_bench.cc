// How long a broker takes to be back after a crash: a log of 64-byte messages that sessions are owed is written through
// the product's own records, its process ends without closing, and another one opens the directory and recovers. Each
// runs in a process of its own. The directory is made below MARTLET_BENCH_DIR (default: the current one).
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <vector>

#include "broker/ports.h"
#include "broker/testing/fake_ports.h"
#include "env/posix/measure.h"
#include "env/posix/system.h"
#include "server/durable/clean_stop.h"
#include "server/durable/durable_records.h"
#include "server/durable/recovery.h"
#include "store/rocksdb/open.h"

namespace {

using martlet::as_bytes;
using martlet::Durability;
using martlet::Ticket;
using martlet::store::Committer;
using martlet::store::Store;
namespace broker = martlet::broker;
namespace server = martlet::server;

constexpr std::size_t kPayloadBytes = 64;
constexpr std::int64_t kTurn = 1000;  // records
constexpr std::size_t kMostPendingBytes = 4u << 20;

class Directory {
 public:
  Directory() {
    const char* base = ::getenv("MARTLET_BENCH_DIR");
    path_ = std::string(base ? base : ".") + "/recovery-bench-XXXXXX";
    if (!::mkdtemp(path_.data())) std::abort();
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  std::string store() const { return path_ + "/store"; }

 private:
  std::string path_;
};

std::unique_ptr<Store> open_store(const std::string& path, std::function<void(std::uint32_t)> notify) {
  auto backend = martlet::store::open_rocksdb({.path = path});
  if (!backend) std::abort();
  Committer::Options options;
  options.notify = std::move(notify);
  return Store::start(std::move(*backend), std::move(options));
}

void write_sessions(server::DurableRecords& records, std::uint64_t sessions) {
  for (std::uint64_t key = 1; key <= sessions; ++key) {
    const std::string client_id = fmt::format("client-{}", key);
    records.append(broker::SessionChanged{key, client_id, 86'400, 1, martlet::env::posix::make_clock()->now().wall_ms});
    records.append(broker::SubscriptionChanged{key, "bench/#", {.qos = martlet::wire::QoS::at_least_once}});
  }
}

// Writes the log, waits until all of it is with the operating system, and ends the process as kill -9 would.
[[noreturn]] void fill(const std::string& path, std::int64_t count, std::uint64_t sessions) {
  std::mutex mutex;
  std::condition_variable resolved;
  const auto notify = [&](std::uint32_t) {
    { const std::lock_guard lock(mutex); }
    resolved.notify_one();
  };
  const auto store = open_store(path, notify);
  const auto await = [&](Ticket ticket) {
    std::unique_lock lock(mutex);
    resolved.wait(lock, [&] { return ticket.resolved(store->writer().resolved()); });
  };
  const auto clock = martlet::env::posix::make_clock();
  server::DurableRecords records(*store, store->writer(), *clock, Durability::interval);
  write_sessions(records, sessions);
  std::vector<broker::Owed> owed(sessions);
  for (std::uint64_t i = 0; i < sessions; ++i) {
    owed[i].session_key = i + 1;
    owed[i].qos = martlet::wire::QoS::at_least_once;
  }
  const std::string payload(kPayloadBytes, 'm');
  martlet::session::MessageFacts facts;
  facts.qos = martlet::wire::QoS::at_least_once;
  facts.publisher = 4711;
  facts.received_wall_ms = clock->now().wall_ms;
  const auto message = martlet::session::MessageRef::make("bench/0123abcd/42", as_bytes(payload), {}, facts);
  for (std::int64_t i = 0; i < count; ++i) {
    records.append(broker::MessageOwed{*message, 0, 0, owed});
    if (i % kTurn != kTurn - 1) continue;
    records.submit();
    if (store->pending_bytes() > kMostPendingBytes) await(store->writer().ticket(Durability::interval));
  }
  records.submit();
  await(store->writer().ticket(Durability::interval));
  ::_exit(0);
}

struct Times {
  double open_s = 0;
  double recover_s = 0;
  std::uint64_t deliveries = 0;
};

// With `stop` it then ends as a broker does that is told to.
Times recover(const std::string& path, bool stop) {
  Times times;
  const std::uint64_t began_ns = martlet::env::posix::monotonic_ns();
  const auto store = open_store(path, {});
  times.open_s = static_cast<double>(martlet::env::posix::monotonic_ns() - began_ns) / 1e9;
  const auto clock = martlet::env::posix::make_clock();
  server::DurableRecords records(*store, store->writer(), *clock, Durability::interval);
  broker::BrokerOptions options;
  broker::testing::FakeTransport transport;
  broker::AllowAll all;
  broker::testing::SilentLog log;
  broker::Broker broker(options, {transport, records, all, all, log}, clock->now());
  broker::Broker* const brokers[] = {&broker};
  const auto recovered = server::recover(*store, brokers, {}, log, clock->now());
  if (!recovered) std::abort();
  times.recover_s = static_cast<double>(martlet::env::posix::monotonic_ns() - began_ns) / 1e9 - times.open_s;
  times.deliveries = recovered->deliveries;
  if (!stop) return times;
  server::write_clean_stop(*store, brokers);
  records.submit();
  if (!store->close()) std::abort();
  return times;
}

// Runs `work`, which writes what it measured, in a process of its own.
template <class Work>
Times in_process(Work&& work) {
  std::array<int, 2> pipe_ends{};
  if (::pipe(pipe_ends.data()) != 0) std::abort();
  const pid_t child = ::fork();
  if (child == 0) {
    if constexpr (std::is_same_v<decltype(work()), Times>) {
      const Times times = work();
      if (::write(pipe_ends[1], &times, sizeof times) != sizeof times) std::abort();
    } else {
      work();
    }
    ::_exit(0);
  }
  ::close(pipe_ends[1]);
  Times times;
  const bool told = ::read(pipe_ends[0], &times, sizeof times) == sizeof times;
  ::close(pipe_ends[0]);
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) std::abort();
  return told ? times : Times{};
}

// range(0) records owed to range(1) sessions; range(2): 1 behind a clean stop.
void BM_Recover(benchmark::State& state) {
  const Directory directory;
  const bool clean = state.range(2) == 1;
  const auto sessions = static_cast<std::uint64_t>(state.range(1));
  double open_s = 0;
  double recover_s = 0;
  for (auto _ : state) {
    std::filesystem::remove_all(directory.store());
    in_process([&] { fill(directory.store(), state.range(0), sessions); });
    if (clean) in_process([&] { recover(directory.store(), true); });
    const Times times = in_process([&] { return recover(directory.store(), false); });
    const auto records = static_cast<std::uint64_t>(state.range(0));
    if (times.deliveries != records * sessions) {
      return state.SkipWithError("not all of it came back");
    }
    state.SetIterationTime(times.open_s + times.recover_s);
    open_s += times.open_s;
    recover_s += times.recover_s;
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["open_s"] = benchmark::Counter(open_s, benchmark::Counter::kAvgIterations);
  state.counters["recover_s"] = benchmark::Counter(recover_s, benchmark::Counter::kAvgIterations);
}
BENCHMARK(BM_Recover)
    ->ArgNames({"records", "sessions", "clean"})
    ->ArgsProduct({{1'000'000, 10'000'000}, {1, 10}, {0}})
    ->Args({10'000'000, 1, 1})
    ->Args({1'000, 10'000, 0})
    ->Unit(benchmark::kSecond)
    ->Iterations(1)
    ->UseManualTime();

}  // namespace
