// What one `martlet prove` does. Filled by arguments.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "env/endpoint.h"
#include "wire/types.h"

namespace martlet::tools::prove {

enum class QosChoice : std::uint8_t { one, two, mix };

struct ProveOptions {
  env::Endpoint broker{"127.0.0.1", 1883};
  wire::ProtocolVersion version = wire::ProtocolVersion::v5_0;
  std::string username;  // empty: none
  std::string password;
  std::string topic;  // empty: one of this run's own

  std::uint32_t publishers = 4;
  std::uint32_t subscribers = 4;
  std::uint32_t offline = 2;  // of the subscribers
  QosChoice qos = QosChoice::mix;
  std::size_t payload_bytes = 64;
  std::uint32_t window = 20;  // unacknowledged messages per publisher
  double rate_per_s = 1000;   // messages of all publishers; 0: flat out

  std::uint64_t messages = 0;          // of all publishers; 0: no such limit
  std::optional<std::int64_t> for_ms;  // how long to publish
  std::int64_t drain_ms = 5000;        // gives up this long after the last delivery

  std::string restart_command;  // empty: none
  std::optional<std::uint32_t> restarts;
  std::int64_t restart_least_ms = 500;  // from the end of one restart command to the next
  std::int64_t restart_most_ms = 2000;

  std::optional<std::uint64_t> seed;
  bool json = false;
  bool quiet = false;
  bool help = false;

  // Of the publishing process: the run that it belongs to. Empty: this is the checking process.
  std::string publisher_of;
};

// Topics of one publisher. Each carries both QoS, whose order a broker may keep apart [MQTT-4.6.0-6].
inline constexpr std::uint32_t kTopicsPerPublisher = 2;

// The QoS to subscribe with.
wire::QoS highest_qos(const ProveOptions& options);
// How many restarts there will be.
std::uint32_t total_restarts(const ProveOptions& options);

}  // namespace martlet::tools::prove
