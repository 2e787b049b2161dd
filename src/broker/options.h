// What an operator sets of the broker's behaviour. Defaults here are the product's defaults.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "broker/durability_policy.h"
#include "broker/listener_policy.h"
#include "broker/log_limits.h"
#include "session/endpoint.h"

namespace martlet::broker {

// Which member of a shared subscription gets the next message [4.8.2].
enum class SharedStrategy : std::uint8_t { round_robin, random, sticky, hash_topic, hash_client, least_in_flight };

// What a client gets that several of its subscriptions match [MQTT-3.3.4-2].
enum class OverlapDelivery : std::uint8_t { merged, separate };

inline constexpr std::uint32_t kExpiryNever = 0xFFFF'FFFF;

struct BrokerOptions {
  session::EndpointOptions endpoint;
  // By listener_index; empty: one for all, made of these options.
  std::vector<ListenerPolicy> listeners;

  std::uint32_t max_connections = 0;     // 0: only the system's limit
  std::uint32_t connect_rate_per_s = 0;  // accepted CONNECTs; 0: no limit
  // What a client publishes, and what all clients with one user name publish together (anonymous ones have none):
  // PUBLISH packets, and bytes of their topics, properties and payloads. Who is faster is not read on for a while. 0:
  // no limit.
  std::uint32_t publish_rate_per_s = 0;
  std::uint64_t publish_bytes_per_s = 0;
  std::uint32_t user_publish_rate_per_s = 0;
  std::uint64_t user_publish_bytes_per_s = 0;
  std::uint32_t max_subscriptions_per_client = 100'000;
  std::uint64_t max_filter_bytes_per_client = 32u << 20;  // what its topic filters take in the index
  std::uint32_t max_sessions = 1'000'000;                 // connected or not
  std::uint32_t max_topic_levels = 200;
  std::uint32_t max_session_expiry_s = kExpiryNever;
  std::uint32_t session_expiry_3x_s = kExpiryNever;  // of a 3.x session without clean session
  std::uint16_t max_keep_alive_s = 0;                // replaces longer or absent ones of 5.0 clients; 0: does not
  std::uint64_t max_retained_messages = 10'000'000;
  std::uint64_t max_retained_bytes = std::uint64_t{4} << 30;
  std::uint32_t slow_reader_timeout_ms = 30'000;  // how long a full outbox may stand still
  DurabilityOptions durability;
  LogLimits log;                      // of the messages that wait in the log
  bool queue_qos0_offline = false;    // keep QoS 0 for sessions that are not connected
  bool upgrade_outgoing_qos = false;  // deliver at the subscription's QoS, though the message came at a lower one
  bool allow_empty_client_id = true;
  bool session_bound_to_user = true;         // only the user name that a session has may connect to it
  std::string assigned_id_prefix = "auto-";  // of the identifiers that the broker gives
  std::string required_id_prefix;            // clients whose identifiers do not begin with it are refused
  // A wrong user name or password is answered like one that may not connect: "not authorized" (5, 0x87), not "bad user
  // name or password" (4, 0x86).
  bool refuse_as_not_authorized = false;
  // PUBLISH with a longer payload is acknowledged, with a reason where there is one, and goes nowhere; 0: no limit.
  std::uint32_t max_payload_bytes = 0;
  std::uint32_t fan_out_part = 2000;  // a message for more sessions is given out in parts of so many, one a turn
  OverlapDelivery overlap = OverlapDelivery::merged;
  SharedStrategy shared_strategy = SharedStrategy::round_robin;
  // Messages that one session's hand-over takes from the log before others have their turn.
  std::size_t hand_over_step = 1000;
  std::uint32_t sys_interval_s = 10;  // 0: no $SYS topics
  std::string response_information;
  std::uint64_t random_seed = 0;
  std::uint64_t client_seed = 0;    // of the hashes by which stored messages name their publishers; 0: a random one
  std::string version = "unknown";  // for $SYS/broker/version
};

// `policies`, or the one for all if they are empty, with what they leave to the options filled in.
std::vector<ListenerPolicy> complete_policies(const BrokerOptions& options, std::vector<ListenerPolicy> policies);

}  // namespace martlet::broker
