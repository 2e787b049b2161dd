// Cost of matching and of memory: 1, 1 thousand and 1 million subscriptions. bytes_per_* counts what operator new was
// asked for, malloc's own overhead included.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "topic/interest_table.h"
#include "topic/retained_index.h"
#include "topic/subscription_index.h"

namespace {

std::size_t heap_bytes = 0;

void* counted_allocate(std::size_t bytes) {
  void* memory = std::malloc(bytes);
  if (!memory) std::abort();
  heap_bytes += malloc_usable_size(memory) + sizeof(std::size_t);
  return memory;
}

void counted_free(void* memory) {
  if (memory) heap_bytes -= malloc_usable_size(memory) + sizeof(std::size_t);
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t bytes) {
  return counted_allocate(bytes);
}
void* operator new[](std::size_t bytes) {
  return counted_allocate(bytes);
}
void operator delete(void* memory) noexcept {
  counted_free(memory);
}
void operator delete[](void* memory) noexcept {
  counted_free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  counted_free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  counted_free(memory);
}

namespace martlet::topic {
namespace {

constexpr std::uint64_t kSeed = 0x1234567;
// Topics are asked for in this many random places, so that a big index is not served from the nearest cache.
constexpr std::size_t kProbes = 1 << 20;

enum class Shape { literal, plus, hash, plus_hash };

// About 30 bytes, e.g. "plant/0417/line/000417/sensor7".
std::string text(Shape shape, std::size_t number, bool filter) {
  const std::string id = std::to_string(1000000 + number).substr(1);
  const std::string hall = "plant/" + id.substr(2) + "/line/" + id;
  switch (shape) {
    case Shape::literal:
      return hall + "/sensor7";
    case Shape::plus:
      return hall + (filter ? "/+/x" : "/sensor7/x");
    case Shape::hash:
      return hall + (filter ? "/t/#" : "/t/sensor7");
    case Shape::plus_hash:
      return "plant/" + std::string(filter ? "+" : "p") + "/line/" + id + (filter ? "/#" : "/sensor7");
  }
  return {};
}

std::vector<std::string> probes(Shape shape, std::size_t count) {
  Random random(99);
  std::vector<std::string> topics;
  for (std::size_t i = 0; i < kProbes; ++i) topics.push_back(text(shape, random.below(count), false));
  return topics;
}

// One subscriber for each of `count` filters of one shape, or one client for all.
void match(benchmark::State& state, Shape shape, bool one_client) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const std::size_t before = heap_bytes;
  SubscriptionIndex index(kSeed);
  for (std::size_t i = 0; i < count; ++i) {
    index.add(text(shape, i, true), {one_client ? 7u : static_cast<SubscriberId>(i)});
  }
  const std::size_t held = heap_bytes - before;
  const std::vector<std::string> topics = probes(shape, count);
  std::size_t at = 0;
  std::uint64_t matched = 0;
  for (auto _ : state) {
    index.match(topics[at++ % kProbes], [&](const Subscription& subscription) {
      benchmark::DoNotOptimize(subscription.subscriber);
      ++matched;
    });
  }
  if (matched != static_cast<std::uint64_t>(state.iterations())) state.SkipWithError("not one match per topic");
  state.counters["bytes_per_subscription"] = static_cast<double>(held) / static_cast<double>(count);
}

void match_literal(benchmark::State& state) {
  match(state, Shape::literal, false);
}
void match_literal_one_client(benchmark::State& state) {
  match(state, Shape::literal, true);
}
void match_plus(benchmark::State& state) {
  match(state, Shape::plus, false);
}
void match_hash(benchmark::State& state) {
  match(state, Shape::hash, false);
}
void match_plus_hash(benchmark::State& state) {
  match(state, Shape::plus_hash, false);
}
BENCHMARK(match_literal)->Arg(1)->Arg(1000)->Arg(1000000);
BENCHMARK(match_literal_one_client)->Arg(1000000);
BENCHMARK(match_plus)->Arg(1)->Arg(1000)->Arg(1000000);
BENCHMARK(match_hash)->Arg(1)->Arg(1000)->Arg(1000000);
BENCHMARK(match_plus_hash)->Arg(1)->Arg(1000)->Arg(1000000);

// One topic that `#`, a `+` and a plain filter match among many wildcard filters that do not.
void match_three_among_strangers(benchmark::State& state) {
  SubscriptionIndex index(kSeed);
  for (std::size_t i = 0; i < static_cast<std::size_t>(state.range(0)); ++i) {
    index.add("+/" + std::to_string(i) + "/#", {1});
    index.add("home/" + std::to_string(i) + "/+", {2});
  }
  for (const std::string_view filter : {"#", "home/+/temperature", "home/kitchen/temperature"}) index.add(filter, {3});
  for (auto _ : state) {
    int matched = 0;
    index.match("home/kitchen/temperature", [&](const Subscription&) { ++matched; });
    if (matched != 3) state.SkipWithError("wrong matches");
  }
}
BENCHMARK(match_three_among_strangers)->Arg(1)->Arg(1000)->Arg(500000);

// Every way to write fourteen levels "a" with "+", and a last level that none of them has, `last_bytes` long.
void match_all_ways(benchmark::State& state) {
  constexpr std::size_t kLevels = 14;
  SubscriptionIndex index(kSeed);
  std::string topic;
  for (std::size_t i = 0; i < kLevels; ++i) topic += "a/";
  topic.append(static_cast<std::size_t>(state.range(0)), 'c');
  for (std::size_t ways = 0; ways < std::size_t{1} << kLevels; ++ways) {
    std::string filter;
    for (std::size_t i = 0; i < kLevels; ++i) filter += (ways >> i & 1) != 0 ? "+/" : "a/";
    index.add(filter + "b", {1});
  }
  for (auto _ : state) index.match(topic, [](const Subscription&) { std::abort(); });
}
BENCHMARK(match_all_ways)->Arg(1)->Arg(1000)->Arg(60000);

void match_nothing(benchmark::State& state) {
  SubscriptionIndex index(kSeed);
  for (std::size_t i = 0; i < 1000000; ++i) index.add(text(Shape::literal, i, true), {1});
  std::vector<std::string> topics = probes(Shape::literal, 1000000);
  for (std::string& topic : topics) topic.back() = '8';
  std::size_t at = 0;
  for (auto _ : state) index.match(topics[at++ % kProbes], [](const Subscription&) { std::abort(); });
}
BENCHMARK(match_nothing);

void match_fan_out(benchmark::State& state) {
  SubscriptionIndex index(kSeed);
  const auto count = static_cast<SubscriberId>(state.range(0));
  const std::size_t before = heap_bytes;
  for (SubscriberId id = 0; id < count; ++id) index.add("home/+/temperature", {id});
  state.counters["bytes_per_subscription"] = static_cast<double>(heap_bytes - before) / count;
  for (auto _ : state) {
    std::uint64_t sum = 0;
    index.match("home/kitchen/temperature", [&](const Subscription& s) { sum += s.subscriber; });
    benchmark::DoNotOptimize(sum);
  }
  state.SetItemsProcessed(state.iterations() * count);
}
BENCHMARK(match_fan_out)->Arg(10)->Arg(10000);

// One subscriber leaves and comes back, among a million filters or on one filter with ten thousand subscribers.
void remove_and_add_filter(benchmark::State& state) {
  SubscriptionIndex index(kSeed);
  for (std::size_t i = 0; i < 1000000; ++i) index.add(text(Shape::literal, i, true), {1});
  const std::vector<std::string> topics = probes(Shape::literal, 1000000);
  std::size_t at = 0;
  for (auto _ : state) {
    const std::string& filter = topics[at++ % kProbes];
    index.remove(filter, 1);
    index.add(filter, {1});
  }
}
BENCHMARK(remove_and_add_filter);

void remove_and_add_subscriber(benchmark::State& state) {
  SubscriptionIndex index(kSeed);
  for (SubscriberId id = 0; id < 10000; ++id) index.add("home/+/temperature", {id});
  SubscriberId id = 0;
  for (auto _ : state) {
    id = (id + 7919) % 10000;
    index.remove("home/+/temperature", id);
    index.add("home/+/temperature", {id});
  }
}
BENCHMARK(remove_and_add_subscriber);

// ---- which cores may have a subscriber

constexpr std::uint32_t kCores = 2;

// Filters that fit a topic of three levels, e.g. "p000417/+/s000417/#". Those of other numbers do not match it.
std::string shaped(std::size_t shape, std::size_t number) {
  constexpr std::string_view kForms[] = {"p/l/s",   "p/l/+",   "p/+/s", "+/l/s",   "p/l/#",   "p/+/+",
                                         "+/l/+",   "+/+/s",   "p/#",   "p/l/s/#", "p/l/+/#", "p/+/s/#",
                                         "+/l/s/#", "p/+/+/#", "+/l/#", "p/+/#"};
  const std::string id = std::to_string(1000000 + number).substr(1);
  std::string filter;
  for (const char c : kForms[shape]) {
    filter += c;
    if (c >= 'a') filter += id;
  }
  return filter;
}

// Filters of both cores, half of them literal if there are further shapes; topics that a literal filter of core 0 has.
void interest(benchmark::State& state) {
  const auto shapes = static_cast<std::size_t>(state.range(0));
  const auto count = static_cast<std::size_t>(state.range(1));
  const std::size_t before = heap_bytes;
  InterestTable table(kSeed, kCores);
  for (std::size_t i = 0; i < count; ++i) {
    const bool literal = shapes == 1 || i % 2 == 0;
    table.add(i / 2 % 2, shaped(literal ? 0 : 1 + i / 2 % (shapes - 1), i));
  }
  state.counters["bytes_per_filter"] = static_cast<double>(heap_bytes - before) / static_cast<double>(count);
  Random random(99);
  std::vector<std::string> topics;
  for (std::size_t i = 0; i < kProbes; ++i) topics.push_back(shaped(0, random.below(count / 4) * 4));
  std::size_t at = 0;
  std::uint64_t for_nothing = 0;
  for (auto _ : state) {
    const std::uint64_t cores = table.cores_for(topics[at++ % kProbes]);
    if ((cores & 1) == 0) state.SkipWithError("a core was missed");
    for_nothing += cores >> 1;
  }
  state.counters["told_for_nothing"] = static_cast<double>(for_nothing) / static_cast<double>(state.iterations());
}
BENCHMARK(interest)->ArgNames({"shapes", "filters"})->ArgsProduct({{1, 4, 16}, {1000, 1000000}});

void interest_remove_and_add(benchmark::State& state) {
  InterestTable table(kSeed, kCores);
  const auto count = static_cast<std::size_t>(state.range(0));
  for (std::size_t i = 0; i < count; ++i) table.add(0, shaped(0, i));
  std::size_t at = 0;
  for (auto _ : state) {
    const std::string filter = shaped(0, at);
    at = (at + 7919) % count;
    table.remove(0, filter);
    table.add(0, filter);
  }
}
BENCHMARK(interest_remove_and_add)->Arg(1000)->Arg(1000000);

struct Retained {
  std::unique_ptr<RetainedIndex<std::uint64_t>> index;
  double bytes_per_topic = 0;
};

// A million topics in ten thousand branches, without their values' eight bytes.
Retained& retained() {
  static Retained made = [] {
    Retained retained;
    const std::size_t before = heap_bytes;
    retained.index = std::make_unique<RetainedIndex<std::uint64_t>>(kSeed);
    for (std::size_t i = 0; i < 1000000; ++i) {
      retained.index->put("plant/" + std::to_string(10000 + i / 100) + "/sensor" + std::to_string(1000 + i % 100), i);
    }
    retained.bytes_per_topic = static_cast<double>(heap_bytes - before) / 1e6 - sizeof(std::uint64_t);
    return retained;
  }();
  return made;
}

void visit(benchmark::State& state, const std::string& filter) {
  const Retained& all = retained();
  std::uint64_t visited = 0;
  for (auto _ : state) {
    all.index->visit(filter, [&](std::string_view topic, const std::uint64_t&) {
      benchmark::DoNotOptimize(topic.data());
      ++visited;
      return true;
    });
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(visited));
  state.counters["matches"] = static_cast<double>(visited) / static_cast<double>(state.iterations());
  state.counters["bytes_per_topic"] = all.bytes_per_topic;
}

void retained_visit_one(benchmark::State& state) {
  visit(state, "plant/15000/sensor1050");
}
void retained_visit_branch(benchmark::State& state) {
  visit(state, "plant/15000/#");
}
void retained_visit_column(benchmark::State& state) {
  visit(state, "plant/+/sensor1050");
}
void retained_visit_all(benchmark::State& state) {
  visit(state, "#");
}
BENCHMARK(retained_visit_one);
BENCHMARK(retained_visit_branch);
BENCHMARK(retained_visit_column);
BENCHMARK(retained_visit_all);

// The next match behind a random topic.
void retained_resume(benchmark::State& state) {
  const Retained& all = retained();
  Random random(5);
  std::vector<std::string> starts;
  for (std::size_t i = 0; i < kProbes; ++i) {
    starts.push_back("plant/" + std::to_string(10000 + random.below(9999)) + "/sensor" +
                     std::to_string(1000 + random.below(100)));
  }
  std::size_t at = 0;
  for (auto _ : state) {
    all.index->visit("plant/#", starts[at++ % kProbes], [](std::string_view topic, const std::uint64_t&) {
      benchmark::DoNotOptimize(topic.data());
      return false;
    });
  }
}
BENCHMARK(retained_resume);

void retained_put_existing(benchmark::State& state) {
  Retained& all = retained();
  Random random(5);
  std::vector<std::string> topics;
  for (std::size_t i = 0; i < kProbes; ++i) {
    topics.push_back("plant/" + std::to_string(10000 + random.below(10000)) + "/sensor" +
                     std::to_string(1000 + random.below(100)));
  }
  std::size_t at = 0;
  for (auto _ : state) benchmark::DoNotOptimize(all.index->put(topics[at++ % kProbes], 1));
}
BENCHMARK(retained_put_existing);

// New topics on one level a million wide: the worst case for its order.
void retained_put_wide(benchmark::State& state) {
  RetainedIndex<std::uint64_t> index(kSeed);
  Random random(8);
  std::uint64_t number = 0;
  for (; number < 1000000; ++number) index.put(std::to_string(random.next()), number);
  for (auto _ : state) {
    const std::string topic = std::to_string(random.next());
    index.put(topic, 1);
    index.erase(topic);
  }
}
BENCHMARK(retained_put_wide);

}  // namespace
}  // namespace martlet::topic
