// What the disk takes to make a few bytes durable: the floor under one closed-loop publisher (docs/benchmarking.md).
// The file is made below MARTLET_BENCH_DIR (default: the current directory), since /tmp may be memory.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "base/histogram.h"
#include "env/posix/measure.h"

namespace {

class File {
 public:
  File() {
    const char* base = ::getenv("MARTLET_BENCH_DIR");
    path_ = std::string(base ? base : ".") + "/disk-bench-XXXXXX";
    descriptor_ = ::mkstemp(path_.data());
    if (descriptor_ < 0) std::abort();
  }
  ~File() {
    ::close(descriptor_);
    ::unlink(path_.c_str());
  }
  int descriptor() const { return descriptor_; }

 private:
  std::string path_;
  int descriptor_ = -1;
};

void report(benchmark::State& state, const martlet::Histogram& took_ns) {
  for (const auto& [name, share] :
       {std::pair{"p50_us", 0.5}, {"p90_us", 0.9}, {"p99_us", 0.99}, {"p999_us", 0.999}, {"max_us", 1.0}}) {
    state.counters[name] = static_cast<double>(took_ns.quantile(share)) / 1000;
  }
}

// range(0) bytes at the end of a file, then fdatasync. range(1): 1 when the file's blocks are there beforehand, so that
// the sync has no length of the file to record.
void BM_AppendFdatasync(benchmark::State& state) {
  const File file;
  const std::string bytes(static_cast<std::size_t>(state.range(0)), 'm');
  constexpr off_t kAllocated = off_t{64} << 20;
  if (state.range(1) == 1 && ::posix_fallocate(file.descriptor(), 0, kAllocated) != 0) std::abort();
  const auto took_ns = std::make_unique<martlet::Histogram>();
  off_t at = 0;
  for (auto _ : state) {
    const std::uint64_t began_ns = martlet::env::posix::monotonic_ns();
    if (::pwrite(file.descriptor(), bytes.data(), bytes.size(), at) < 0) std::abort();
    if (::fdatasync(file.descriptor()) != 0) std::abort();
    took_ns->record(martlet::env::posix::monotonic_ns() - began_ns);
    at += state.range(0);
    if (at + state.range(0) > kAllocated) at = 0;
  }
  report(state, *took_ns);
}
BENCHMARK(BM_AppendFdatasync)
    ->ArgNames({"bytes", "allocated"})
    ->ArgsProduct({{128, 4096, 65'536}, {0, 1}})
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

}  // namespace
