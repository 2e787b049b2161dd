// The broker's figures as $SYS/broker/... topics, under the names that Mosquitto's users know.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "broker/counters.h"
#include "broker/options.h"
#include "broker/ports.h"

namespace martlet::broker {

// What the sessions of a broker hold at a time.
struct SysQueues {
  std::uint64_t waiting_messages = 0;
  std::uint64_t waiting_bytes = 0;
  std::uint64_t in_flight = 0;
};

// What is reported beside the counters, as it is now.
struct SysFigures {
  Counters counters;
  std::uint64_t sessions = 0;  // connected or not
  std::uint64_t subscriptions = 0;
  std::uint64_t shared_subscriptions = 0;
  std::uint64_t retained_messages = 0;
  std::uint64_t retained_bytes = 0;
  std::uint64_t bytes_sent = 0;
  std::optional<LogFigures> log;    // nothing: there is none
  std::optional<SysQueues> queues;  // nothing: not counted, their topics keep their value
};

// Calls visit(name, value) for each figure of the log; its topic is $SYS/broker/NAME.
void for_each_figure(const LogFigures& figures,
                     const std::function<void(std::string_view name, std::uint64_t value)>& visit);

class SysTopics {
 public:
  // `options` outlives it.
  SysTopics(const BrokerOptions& options, const Now& started)
      : options_(options), started_(started), updated_ms_(started.mono_ms) {}

  using Publish = std::function<void(std::string_view topic, std::string_view payload)>;
  // Called every sys_interval; calls publish(topic, payload) for each topic whose value changed since the last time.
  void update(const SysFigures& figures, const Now& now, const Publish& publish);

 private:
  static constexpr std::size_t kLoads = 9;
  static constexpr std::size_t kPeriods = 3;
  // Exponential moving averages, per minute, of what a counter grew by.
  struct Load {
    std::uint64_t counted = 0;
    std::array<double, kPeriods> average{};
  };

  void update_loads(const SysFigures& figures, const Now& now);
  void publish_changed(std::string_view name, std::string value, const Publish& publish);

  const BrokerOptions& options_;
  Now started_;
  std::int64_t updated_ms_;
  std::array<Load, kLoads> loads_{};
  std::vector<std::string> values_;  // by the order of publish_changed() in an update
  std::size_t next_value_ = 0;
};

}  // namespace martlet::broker
