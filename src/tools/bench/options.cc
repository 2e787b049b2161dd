#include "tools/bench/options.h"

#include <algorithm>
#include <limits>

namespace martlet::tools::bench {

std::uint64_t messages_of(const BenchOptions& options, std::uint32_t publisher) {
  if (options.messages == 0) return std::numeric_limits<std::uint64_t>::max();
  return options.messages / options.publishers + (publisher < options.messages % options.publishers ? 1 : 0);
}

std::uint32_t owed_subscriber(const BenchOptions& options, std::uint32_t publisher, std::uint64_t sequence) {
  return static_cast<std::uint32_t>((sequence * options.publishers + publisher) % options.subscribers);
}

std::uint64_t topic_of(const BenchOptions& options, std::uint32_t publisher, std::uint64_t sequence) {
  if (!has_many_topics(options)) return publisher;
  if (options.own_topics) return owed_subscriber(options, publisher, sequence);
  const std::uint64_t index = sequence * options.publishers + publisher;
  return options.scenario == Scenario::subscribe ? index % options.subscriptions : index;
}

bool is_for_all(const BenchOptions& options) {
  switch (options.scenario) {
    case Scenario::fan_out:
    case Scenario::retained:
      return true;
    case Scenario::fan_in:
      return !options.shared;
    case Scenario::offline:
      return !options.own_topics;
    case Scenario::connect:
    case Scenario::churn:
    case Scenario::p2p:
    case Scenario::subscribe:
      break;
  }
  return false;
}

std::uint64_t deliveries_per_message(const BenchOptions& options) {
  if (is_silent(options)) return 0;
  return is_for_all(options) ? options.subscribers : 1;
}

std::uint32_t effective_backlog(const BenchOptions& options) {
  if (options.backlog > 0) return options.backlog;
  constexpr std::size_t kMostBytes = 2 * 1024 * 1024;
  constexpr std::size_t kMost = 100;
  constexpr std::size_t kMostPerSubscriber = 5'000;
  const std::size_t sources = options.scenario == Scenario::fan_in ? options.publishers : 1;
  const std::size_t most = std::min({kMost, kMostBytes / options.payload_bytes, kMostPerSubscriber / sources});
  return static_cast<std::uint32_t>(std::max<std::size_t>(most, 2));
}

std::uint32_t total_connections(const BenchOptions& options) {
  return is_silent(options) ? options.connections : options.publishers + options.subscribers;
}

}  // namespace martlet::tools::bench
