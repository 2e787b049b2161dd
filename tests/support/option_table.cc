#include "tests/support/option_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>

namespace martlet::test {
namespace {

using broker::BrokerOptions;

struct Row {
  std::string_view name;
  void (*set)(BrokerOptions&, const Value&);
};

template <class Number>
void put(Number& target, const Value& value) {
  if (value.kind != Value::Kind::number) throw TextError("the option takes a number");
  target = static_cast<Number>(value.number);
}

template <class Choice, std::size_t count>
void choose(Choice& target, const Value& value, const std::string_view (&names)[count]) {
  const auto* found = std::find(std::begin(names), std::end(names), std::string_view(value.bytes));
  if (found == std::end(names)) throw TextError(fmt::format("the option has no choice '{}'", value.bytes));
  target = static_cast<Choice>(found - std::begin(names));
}

constexpr std::string_view kStrategies[] = {"round-robin", "random",      "sticky",
                                            "hash-topic",  "hash-client", "least-in-flight"};
constexpr std::string_view kOverlaps[] = {"merged", "separate"};
constexpr std::string_view kPolicies[] = {"drop-newest", "drop-oldest"};

const Row kRows[] = {
    {"max-packet-bytes", [](BrokerOptions& o, const Value& v) { put(o.endpoint.max_packet_bytes, v); }},
    {"receive-maximum", [](BrokerOptions& o, const Value& v) { put(o.endpoint.receive_maximum, v); }},
    {"topic-alias-maximum", [](BrokerOptions& o, const Value& v) { put(o.endpoint.topic_alias_maximum, v); }},
    {"max-in-flight-bytes", [](BrokerOptions& o, const Value& v) { put(o.endpoint.max_in_flight_bytes, v); }},
    {"max-in-flight", [](BrokerOptions& o, const Value& v) { put(o.endpoint.max_in_flight, v); }},
    {"alias-out-maximum", [](BrokerOptions& o, const Value& v) { put(o.endpoint.alias_out_maximum, v); }},
    {"connect-timeout-ms", [](BrokerOptions& o, const Value& v) { put(o.endpoint.connect_timeout_ms, v); }},
    {"outbox-high-bytes", [](BrokerOptions& o, const Value& v) { put(o.endpoint.outbox_high_bytes, v); }},
    {"retain-available", [](BrokerOptions& o, const Value& v) { put(o.endpoint.retain_available, v); }},
    {"maximum-qos", [](BrokerOptions& o, const Value& v) { put(o.endpoint.maximum_qos, v); }},
    {"queue-messages", [](BrokerOptions& o, const Value& v) { put(o.endpoint.queue.max_messages, v); }},
    {"queue-bytes", [](BrokerOptions& o, const Value& v) { put(o.endpoint.queue.max_bytes, v); }},
    {"queue-policy", [](BrokerOptions& o, const Value& v) { choose(o.endpoint.queue.policy, v, kPolicies); }},
    {"max-connections", [](BrokerOptions& o, const Value& v) { put(o.max_connections, v); }},
    {"connect-rate-per-s", [](BrokerOptions& o, const Value& v) { put(o.connect_rate_per_s, v); }},
    {"max-subscriptions-per-client", [](BrokerOptions& o, const Value& v) { put(o.max_subscriptions_per_client, v); }},
    {"max-filter-bytes-per-client", [](BrokerOptions& o, const Value& v) { put(o.max_filter_bytes_per_client, v); }},
    {"max-sessions", [](BrokerOptions& o, const Value& v) { put(o.max_sessions, v); }},
    {"max-topic-levels", [](BrokerOptions& o, const Value& v) { put(o.max_topic_levels, v); }},
    {"max-session-expiry-s", [](BrokerOptions& o, const Value& v) { put(o.max_session_expiry_s, v); }},
    {"session-expiry-3x-s", [](BrokerOptions& o, const Value& v) { put(o.session_expiry_3x_s, v); }},
    {"max-keep-alive-s", [](BrokerOptions& o, const Value& v) { put(o.max_keep_alive_s, v); }},
    {"max-retained-messages", [](BrokerOptions& o, const Value& v) { put(o.max_retained_messages, v); }},
    {"max-retained-bytes", [](BrokerOptions& o, const Value& v) { put(o.max_retained_bytes, v); }},
    {"slow-reader-timeout-ms", [](BrokerOptions& o, const Value& v) { put(o.slow_reader_timeout_ms, v); }},
    {"queue-qos0-offline", [](BrokerOptions& o, const Value& v) { put(o.queue_qos0_offline, v); }},
    {"allow-empty-client-id", [](BrokerOptions& o, const Value& v) { put(o.allow_empty_client_id, v); }},
    {"overlap", [](BrokerOptions& o, const Value& v) { choose(o.overlap, v, kOverlaps); }},
    {"shared-strategy", [](BrokerOptions& o, const Value& v) { choose(o.shared_strategy, v, kStrategies); }},
    {"announce-durability", [](BrokerOptions& o, const Value& v) { put(o.durability.announce, v); }},
    {"sys-interval-s", [](BrokerOptions& o, const Value& v) { put(o.sys_interval_s, v); }},
    {"response-information", [](BrokerOptions& o, const Value& v) { o.response_information = v.bytes; }},
    {"version", [](BrokerOptions& o, const Value& v) { o.version = v.bytes; }},
};

}  // namespace

void set_option(BrokerOptions& options, std::string_view name, const Value& value) {
  for (const Row& row : kRows) {
    if (row.name == name) return row.set(options, value);
  }
  std::string names;
  for (const Row& row : kRows) names += fmt::format(" {}", row.name);
  throw TextError(fmt::format("there is no option '{}'; there are:{}", name, names));
}

}  // namespace martlet::test
