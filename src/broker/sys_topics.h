// The broker's figures as $SYS/broker/... topics, under the names that Mosquitto's users know.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.h"
#include "broker/counters.h"
#include "broker/options.h"

namespace martlet::broker {

// What is reported beside the counters, as it is now.
struct SysFigures {
  Counters counters;
  std::uint64_t sessions = 0;  // connected or not
  std::uint64_t subscriptions = 0;
  std::uint64_t shared_subscriptions = 0;
  std::uint64_t retained_messages = 0;
  std::uint64_t retained_bytes = 0;
  std::uint64_t bytes_sent = 0;
};

class SysTopics {
 public:
  SysTopics(const BrokerOptions& options, const Now& started) : options_(options), started_(started) {}

  // Called every sys_interval; calls publish(topic, payload) for each topic whose value changed since the last time.
  void update(const SysFigures& figures, const Now& now,
              const std::function<void(std::string_view topic, std::string_view payload)>& publish);

 private:
  const BrokerOptions& options_;
  Now started_;
};

}  // namespace martlet::broker
