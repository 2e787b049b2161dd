// Four layouts of the subscription index for several cores, each a thread here
// (docs/decisions/0003-one-index-per-core.md): what a publish and a subscription cost on all cores together, in CPU
// time of the threads, and in memory. Every topic matches one subscription, of a session on a random core; one in ten
// subscriptions has a wildcard. Threads go in step and only work is measured, no waiting: a hop between cores costs
// here the entry in the ring and the cold data, not the wake-up, which the broker has once a turn.
#include <benchmark/benchmark.h>
#include <time.h>

#include <array>
#include <atomic>
#include <barrier>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/hash.h"
#include "base/random.h"
#include "topic/filter.h"
#include "topic/interest_table.h"
#include "topic/subscription_index.h"

namespace martlet::topic {
namespace {

constexpr std::uint64_t kSeed = 0x1234567;
constexpr std::size_t kTopics = 1 << 16;  // that a thread publishes to
constexpr std::size_t kTurn = 1024;       // messages of a core between two looks at what others sent
constexpr std::size_t kTurns = 64;

std::uint64_t thread_cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

bool is_wildcard(std::size_t number) {
  return number % 10 == 9;
}

// About 25 bytes, e.g. "plant/0417/line/000417/s7".
std::string text(std::size_t number, bool filter) {
  const std::string id = std::to_string(1000000 + number).substr(1);
  return "plant/" + id.substr(2) + "/line/" + id + (filter && is_wildcard(number) ? "/+" : "/s7");
}

// On its way to another core: to be delivered there, or to be matched first.
struct Hop {
  const std::string* topic = nullptr;
  SubscriberId session = kToBeMatched;

  static constexpr SubscriberId kToBeMatched = ~SubscriberId{0};
};

// Sessions are numbered so that session % cores is the home core.
struct Core {
  explicit Core(std::size_t cores) : to(cores) {}

  // Reads the text, as who writes it to an outbox does.
  void deliver(const Hop& hop) {
    delivered += hash_bytes(*hop.topic, delivered);
    ++deliveries;
  }

  std::vector<std::vector<Hop>> to;  // rings, by receiving core
  std::uint64_t delivered = 0;
  std::uint64_t deliveries = 0;
};

class World;

// What differs between the layouts.
class Layout {
 public:
  virtual ~Layout() = default;
  virtual void subscribe(std::string_view filter, SubscriberId session) = 0;
  // On core `self`.
  virtual void publish(World& world, std::size_t self, const std::string& topic) = 0;
  // What another core's ring brought.
  virtual void arrived(World& world, std::size_t self, const Hop& hop) = 0;
  virtual std::size_t memory_bytes() const = 0;
};

class World {
 public:
  explicit World(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) cores_.push_back(std::make_unique<Core>(count));
  }
  std::size_t size() const { return cores_.size(); }
  Core& core(std::size_t at) { return *cores_[at]; }
  void send(std::size_t self, std::size_t other, const Hop& hop) { cores_[self]->to[other].push_back(hop); }
  // To the session's home core.
  void deliver(std::size_t self, const std::string& topic, SubscriberId session) {
    const std::size_t home = session % size();
    home == self ? core(self).deliver({&topic, session}) : send(self, home, {&topic, session});
  }

 private:
  std::vector<std::unique_ptr<Core>> cores_;
};

// Every core has all subscriptions.
class CopyPerCore : public Layout {
 public:
  explicit CopyPerCore(std::size_t cores) {
    for (std::size_t i = 0; i < cores; ++i) copies_.push_back(std::make_unique<SubscriptionIndex>(kSeed));
  }
  void subscribe(std::string_view filter, SubscriberId session) override {
    for (const auto& copy : copies_) copy->add(filter, {session});
  }
  void publish(World& world, std::size_t self, const std::string& topic) override {
    copies_[self]->match(topic, [&](const Subscription& one) { world.deliver(self, topic, one.subscriber); });
  }
  void arrived(World& world, std::size_t self, const Hop& hop) override { world.core(self).deliver(hop); }
  std::size_t memory_bytes() const override { return copies_.size() * copies_[0]->memory_bytes(); }

 private:
  std::vector<std::unique_ptr<SubscriptionIndex>> copies_;
};

// All cores read one index without a lock: a pair, of which the writer changes the one that nobody reads, then makes it
// the one that is read, waits for the readers that are still in the other, and changes that too.
class ReadByAll : public Layout {
 public:
  explicit ReadByAll(std::size_t cores) : readers_(cores) {}
  void subscribe(std::string_view filter, SubscriberId session) override {
    const std::size_t read = read_.load(std::memory_order_relaxed);
    pair_[1 - read].add(filter, {session});
    read_.store(1 - read, std::memory_order_seq_cst);
    for (const Reader& reader : readers_) {
      const std::uint64_t visits = reader.visits.load(std::memory_order_seq_cst);
      while (visits % 2 == 1 && reader.visits.load(std::memory_order_acquire) == visits) std::this_thread::yield();
    }
    pair_[read].add(filter, {session});
  }
  void publish(World& world, std::size_t self, const std::string& topic) override {
    Reader& reader = readers_[self];
    const std::uint64_t visits = reader.visits.load(std::memory_order_relaxed);
    reader.visits.store(visits + 1, std::memory_order_seq_cst);  // odd: inside
    const SubscriptionIndex& index = pair_[read_.load(std::memory_order_seq_cst)];
    index.match(topic, [&](const Subscription& one) { world.deliver(self, topic, one.subscriber); });
    reader.visits.store(visits + 2, std::memory_order_release);
  }
  void arrived(World& world, std::size_t self, const Hop& hop) override { world.core(self).deliver(hop); }
  std::size_t memory_bytes() const override { return pair_[0].memory_bytes() + pair_[1].memory_bytes(); }

 private:
  struct alignas(64) Reader {
    std::atomic<std::uint64_t> visits{0};
  };
  std::array<SubscriptionIndex, 2> pair_{SubscriptionIndex(kSeed), SubscriptionIndex(kSeed)};
  std::atomic<std::size_t> read_{0};
  std::vector<Reader> readers_;
};

// A hash of the topic tells whose index has its literal filters. Filters with wildcards are in all.
class OwnerCore : public Layout {
 public:
  explicit OwnerCore(std::size_t cores) {
    for (std::size_t i = 0; i < cores; ++i) owners_.push_back(std::make_unique<SubscriptionIndex>(kSeed));
  }
  void subscribe(std::string_view filter, SubscriberId session) override {
    if (!has_wildcard(filter)) {
      owners_[owner(filter)]->add(filter, {session});
      return;
    }
    for (const auto& index : owners_) index->add(filter, {session});
  }
  void publish(World& world, std::size_t self, const std::string& topic) override {
    const std::size_t at = owner(topic);
    at == self ? match(world, self, topic) : world.send(self, at, {&topic});
  }
  void arrived(World& world, std::size_t self, const Hop& hop) override {
    hop.session == Hop::kToBeMatched ? match(world, self, *hop.topic) : world.core(self).deliver(hop);
  }
  std::size_t memory_bytes() const override {
    std::size_t bytes = 0;
    for (const auto& index : owners_) bytes += index->memory_bytes();
    return bytes;
  }

 private:
  std::size_t owner(std::string_view topic) const { return hash_bytes(topic, kSeed + 1) % owners_.size(); }
  void match(World& world, std::size_t self, const std::string& topic) {
    owners_[self]->match(topic, [&](const Subscription& one) { world.deliver(self, topic, one.subscriber); });
  }
  std::vector<std::unique_ptr<SubscriptionIndex>> owners_;
};

// The one that is built: every core has its own sessions' subscriptions, and a table tells whom to ask.
class OwnSessions : public Layout {
 public:
  explicit OwnSessions(std::size_t cores) : interest_(kSeed, static_cast<std::uint32_t>(cores)) {
    for (std::size_t i = 0; i < cores; ++i) own_.push_back(std::make_unique<SubscriptionIndex>(kSeed));
  }
  void subscribe(std::string_view filter, SubscriberId session) override {
    const std::size_t core = session % own_.size();
    own_[core]->add(filter, {session});
    interest_.add(static_cast<std::uint32_t>(core), filter);
  }
  void publish(World& world, std::size_t self, const std::string& topic) override {
    const std::uint64_t cores = interest_.cores_for(topic);
    for (std::size_t at = 0; at < own_.size(); ++at) {
      if ((cores >> at & 1) == 0) continue;
      at == self ? arrived(world, self, {&topic}) : world.send(self, at, {&topic});
    }
  }
  void arrived(World& world, std::size_t self, const Hop& hop) override {
    own_[self]->match(*hop.topic, [&](const Subscription&) { world.core(self).deliver(hop); });
  }
  std::size_t memory_bytes() const override {
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < own_.size(); ++i) {
      bytes += own_[i]->memory_bytes() + interest_.memory_bytes(static_cast<std::uint32_t>(i));
    }
    return bytes;
  }

 private:
  std::vector<std::unique_ptr<SubscriptionIndex>> own_;
  InterestTable interest_;
};

// Publishes kTurns times kTurn messages on the core and takes what others send; returns the CPU time of that.
std::uint64_t run_core(World& world, Layout& layout, std::size_t self, std::size_t subscriptions,
                       std::barrier<>& step) {
  constexpr int kHops = 2;  // the most that a message makes
  Random random(99 + self);
  std::vector<std::string> topics;
  for (std::size_t i = 0; i < kTopics; ++i) topics.push_back(text(random.below(subscriptions), false));
  std::vector<Hop> arrived;
  std::uint64_t cpu_ns = 0;
  for (std::size_t turn = 0; turn < kTurns; ++turn) {
    step.arrive_and_wait();
    std::uint64_t since = thread_cpu_ns();
    for (std::size_t i = 0; i < kTurn; ++i) layout.publish(world, self, topics[(turn * kTurn + i) % kTopics]);
    cpu_ns += thread_cpu_ns() - since;
    for (int hop = 0; hop < kHops; ++hop) {
      step.arrive_and_wait();
      // Out of the rings first: what is matched now may go on.
      since = thread_cpu_ns();
      arrived.clear();
      for (std::size_t from = 0; from < world.size(); ++from) {
        std::vector<Hop>& ring = world.core(from).to[self];
        arrived.insert(arrived.end(), ring.begin(), ring.end());
        ring.clear();
      }
      cpu_ns += thread_cpu_ns() - since;
      step.arrive_and_wait();
      since = thread_cpu_ns();
      for (const Hop& one : arrived) layout.arrived(world, self, one);
      cpu_ns += thread_cpu_ns() - since;
    }
  }
  step.arrive_and_wait();  // the others may still look at these topics
  return cpu_ns;
}

template <class Kind>
void layout(benchmark::State& state) {
  const auto subscriptions = static_cast<std::size_t>(state.range(0));
  const auto cores = static_cast<std::size_t>(state.range(1));
  World world(cores);
  Kind layout(cores);
  Random random(7);
  std::uint64_t since = thread_cpu_ns();
  for (std::size_t i = 0; i < subscriptions; ++i) {
    layout.subscribe(text(i, true), static_cast<SubscriberId>(random.below(1 << 20)));
  }
  state.counters["subscribe_ns"] = static_cast<double>(thread_cpu_ns() - since) / static_cast<double>(subscriptions);
  state.counters["bytes_per_subscription"] =
      static_cast<double>(layout.memory_bytes()) / static_cast<double>(subscriptions);
  const double messages = static_cast<double>(cores * kTurns * kTurn);
  for (auto _ : state) {
    std::barrier step(static_cast<std::ptrdiff_t>(cores));
    std::atomic<std::uint64_t> cpu_ns{0};
    std::vector<std::thread> threads;
    for (std::size_t self = 0; self < cores; ++self) {
      threads.emplace_back([&, self] { cpu_ns += run_core(world, layout, self, subscriptions, step); });
    }
    for (std::thread& thread : threads) thread.join();
    state.SetIterationTime(static_cast<double>(cpu_ns.load()) * 1e-9);
    state.counters["publish_ns"] = static_cast<double>(cpu_ns.load()) / messages;
  }
  std::uint64_t deliveries = 0;
  for (std::size_t i = 0; i < cores; ++i) deliveries += world.core(i).deliveries;
  if (deliveries != static_cast<std::uint64_t>(messages) * static_cast<std::uint64_t>(state.iterations())) {
    state.SkipWithError("not one delivery per message");
  }
}

template <class Kind>
void add(const char* name) {
  benchmark::RegisterBenchmark(name, layout<Kind>)
      ->ArgNames({"subscriptions", "threads"})
      ->ArgsProduct({{1000, 100000, 1000000}, {1, 2, 4, 8}})
      ->UseManualTime()
      ->Iterations(1)
      ->Unit(benchmark::kMillisecond);
}

const bool added = [] {
  add<CopyPerCore>("copy_per_core");
  add<ReadByAll>("read_by_all");
  add<OwnerCore>("owner_core");
  add<OwnSessions>("own_sessions");
  return true;
}();

}  // namespace
}  // namespace martlet::topic
