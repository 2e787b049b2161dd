// Cost of making records durable, of reading them back, and of opening. The directory is made below MARTLET_BENCH_DIR
// (default: the current one), since /tmp may be memory; on a disk only, `fdatasync` is what the others compare to.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "store/rocksdb/open.h"
#include "store/store.h"

namespace {

using martlet::as_bytes;
using martlet::ByteView;
using martlet::Durability;
using martlet::Ticket;
using martlet::store::Committer;
using martlet::store::Position;
using martlet::store::Store;

constexpr std::size_t kRecordBytes = 64;

class Directory {
 public:
  Directory() {
    const char* base = ::getenv("MARTLET_BENCH_DIR");
    path_ = std::string(base ? base : ".") + "/store-bench-XXXXXX";
    if (!::mkdtemp(path_.data())) std::abort();
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A store with its committer thread, and somebody who waits for tickets.
class Bench {
 public:
  explicit Bench(const std::string& path, Durability level = Durability::fsync) : level_(level) {
    auto backend = martlet::store::open_rocksdb({.path = path + "/store"});
    if (!backend) std::abort();
    Committer::Options options;
    options.notify = [this](std::uint32_t) {
      { const std::lock_guard lock(mutex_); }
      resolved_.notify_one();
    };
    store_ = Store::start(std::move(*backend), std::move(options));
  }

  Store& operator*() { return *store_; }
  Store* operator->() { return store_.get(); }
  void await(Ticket ticket) {
    std::unique_lock lock(mutex_);
    resolved_.wait(lock, [&] { return ticket.resolved(store_->writer().resolved()); });
  }
  void append(std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) store_->writer().append(as_bytes(record_));
    last_ = store_->writer().ticket(level_);
    store_->writer().submit();
  }
  // Until all that was appended is resolved.
  void await_all() { await(last_); }

 private:
  const std::string record_ = std::string(kRecordBytes, 'r');
  const Durability level_;
  Ticket last_ = Ticket::done();
  std::mutex mutex_;
  std::condition_variable resolved_;
  std::unique_ptr<Store> store_;
};

// What the disk itself takes: 64 bytes at the end of a file, made durable.
void BM_OneFdatasync(benchmark::State& state) {
  const Directory directory;
  const int file = ::open((directory.path() + "/file").c_str(), O_WRONLY | O_CREAT, 0600);
  const std::string record(kRecordBytes, 'r');
  for (auto _ : state) {
    if (::write(file, record.data(), record.size()) < 0 || ::fdatasync(file) != 0) std::abort();
  }
  ::close(file);
}
BENCHMARK(BM_OneFdatasync)->UseRealTime();

// One append at a time, each waited for: from append() to the resolved ticket.
void BM_AppendAndWait(benchmark::State& state) {
  const Directory directory;
  Bench bench(directory.path());
  for (auto _ : state) {
    bench.append(1);
    bench.await_all();
  }
  state.counters["commit_p50_us"] = static_cast<double>(bench->metrics().commit_ns.quantile(0.5)) / 1000;
  state.counters["commit_p99_us"] = static_cast<double>(bench->metrics().commit_ns.quantile(0.99)) / 1000;
}
BENCHMARK(BM_AppendAndWait)->UseRealTime();

// Turns of `range(0)` records, at most 1 MiB ahead of the disk. range(1): 0 fsync, 1 interval.
void BM_Append(benchmark::State& state) {
  const Directory directory;
  Bench bench(directory.path(), state.range(1) == 0 ? Durability::fsync : Durability::interval);
  for (auto _ : state) {
    bench.append(state.range(0));
    if (bench->pending_bytes() > (1u << 20)) bench.await_all();
  }
  bench.await_all();
  state.SetItemsProcessed(state.iterations() * state.range(0));
  const auto& metrics = bench->metrics();
  state.counters["group"] =
      static_cast<double>(metrics.group_operations.sum()) / static_cast<double>(metrics.group_operations.count());
  state.SetLabel(state.range(1) == 0 ? "fsync" : "interval");
}
BENCHMARK(BM_Append)->ArgsProduct({{1, 10, 100, 1000}, {0, 1}})->UseRealTime();

// Each turn of `range(0)` records is waited for: what a single closed loop of that size gets.
void BM_AppendTurnAndWait(benchmark::State& state) {
  const Directory directory;
  Bench bench(directory.path());
  for (auto _ : state) {
    bench.append(state.range(0));
    bench.await_all();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_AppendTurnAndWait)->Arg(1)->Arg(10)->Arg(100)->Arg(1000)->UseRealTime();

// What the owner's thread pays for a record, without the committer: batch and hand-over.
void BM_OwnerSide(benchmark::State& state) {
  martlet::store::Batch batch;
  const std::string record(kRecordBytes, 'r');
  Position position = 0;
  for (auto _ : state) {
    batch.append(++position, as_bytes(record));
    if (position % 100 == 0) batch = martlet::store::Batch();
  }
}
BENCHMARK(BM_OwnerSide);

void fill(const std::string& path, std::int64_t records) {
  Bench bench(path, Durability::interval);
  for (std::int64_t i = 0; i < records; i += 1000) {
    bench.append(1000);
    if (bench->pending_bytes() > (4u << 20)) bench.await_all();
  }
  if (!bench->close()) std::abort();
}

void BM_Scan(benchmark::State& state) {
  const Directory directory;
  fill(directory.path(), state.range(0));
  Bench bench(directory.path());
  std::uint64_t sum = 0;
  for (auto _ : state) {
    for (Position at = 1; at < bench->reader().end();) {
      const auto outcome = bench->reader().scan(at, 64u << 10, [&](Position position, ByteView record) {
        sum += position + record.size();
        return true;
      });
      if (outcome.error) std::abort();
      at = outcome.next;
    }
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Scan)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->UseRealTime();

// Opening behind a clean shutdown: a million records, nothing in the write-ahead log.
void BM_OpenClean(benchmark::State& state) {
  const Directory directory;
  fill(directory.path(), state.range(0));
  for (auto _ : state) {
    auto backend = martlet::store::open_rocksdb({.path = directory.path() + "/store"});
    if (!backend || (*backend)->end() != static_cast<Position>(state.range(0)) + 1) std::abort();
  }
}
BENCHMARK(BM_OpenClean)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->UseRealTime();

// Opening behind a crash: what was in the write-ahead log is read again. The directory is copied while it is open.
void BM_OpenAfterCrash(benchmark::State& state) {
  const Directory directory;
  const std::string crashed = directory.path() + "/crashed/store";
  {
    Bench bench(directory.path());
    for (std::int64_t i = 0; i < state.range(0); i += 1000) bench.append(1000);
    bench.await_all();
    std::filesystem::create_directories(directory.path() + "/crashed");
    std::filesystem::copy(directory.path() + "/store", crashed);
  }
  for (auto _ : state) {
    state.PauseTiming();
    const std::string again = directory.path() + "/again";
    std::filesystem::remove_all(again);
    std::filesystem::copy(crashed, again);
    state.ResumeTiming();
    auto backend = martlet::store::open_rocksdb({.path = again});
    if (!backend || (*backend)->end() != static_cast<Position>(state.range(0)) + 1) std::abort();
    state.PauseTiming();
    backend->reset();
    state.ResumeTiming();
  }
}
BENCHMARK(BM_OpenAfterCrash)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->Iterations(5)->UseRealTime();

}  // namespace
