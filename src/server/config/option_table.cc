#include "server/config/option_table.h"

#include <array>

namespace martlet::server {
namespace {

constexpr std::int64_t kSecondMs = 1'000;
constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kKiB = 1024;
constexpr std::int64_t kGiB = kKiB * kKiB * kKiB;
constexpr std::int64_t kLargestPacketBytes = 268'435'455 + 5;  // remaining length and the fixed header [2.1.4]
constexpr std::int64_t kMost = 4'294'967'295;                  // of what is kept in 32 bits
constexpr std::int64_t kExpiryMaxS = broker::kExpiryNever - 1;

// In the order of the enumerations.
constexpr std::string_view kQosNames[] = {"0", "1", "2"};
constexpr std::string_view kStrategyNames[] = {"round_robin", "random",      "sticky",
                                               "hash_topic",  "hash_client", "least_in_flight"};
constexpr std::string_view kOverlapNames[] = {"merged", "separate"};
constexpr std::string_view kDropNames[] = {"newest", "oldest"};
constexpr std::string_view kLevelNames[] = {"debug", "info", "warning", "error"};
constexpr std::string_view kFormatNames[] = {"text", "json"};

template <auto Field>
constexpr Option<ServerConfig> switch_row(std::string_view name, std::string_view description) {
  return number_option<ServerConfig, Field>(
      {.name = name, .kind = OptionKind::boolean, .description = description, .min = 0, .max = 1});
}

template <auto Field>
constexpr Option<ServerConfig> integer_row(std::string_view name, std::int64_t min, std::int64_t max,
                                           std::string_view description) {
  return number_option<ServerConfig, Field>(
      {.name = name, .kind = OptionKind::integer, .description = description, .min = min, .max = max});
}

template <auto Field>
constexpr Option<ServerConfig> bytes_row(std::string_view name, std::int64_t min, std::int64_t max,
                                         std::string_view description) {
  return number_option<ServerConfig, Field>(
      {.name = name, .kind = OptionKind::bytes, .description = description, .min = min, .max = max});
}

template <auto Field>
constexpr Option<ServerConfig> milliseconds_row(std::string_view name, std::int64_t min, std::int64_t max,
                                                std::string_view description) {
  return number_option<ServerConfig, Field>(
      {.name = name, .kind = OptionKind::duration_ms, .description = description, .min = min, .max = max});
}

// `off`: the number that "never" stands for.
template <auto Field>
constexpr Option<ServerConfig> seconds_row(std::string_view name, std::int64_t min, std::int64_t max, std::int64_t off,
                                           std::string_view description) {
  return number_option<ServerConfig, Field>(
      {.name = name, .kind = OptionKind::duration_s, .description = description, .min = min, .max = max, .off = off});
}

template <auto Field>
constexpr Option<ServerConfig> choice_row(std::string_view name, std::span<const std::string_view> choices,
                                          std::string_view description) {
  return number_option<ServerConfig, Field>(
      {.name = name, .kind = OptionKind::choice, .description = description, .choices = choices});
}

template <auto Field>
constexpr Option<ServerConfig> text_row(std::string_view name, std::string_view description) {
  return text_option<ServerConfig, Field>({.name = name, .description = description});
}

constexpr std::array kServerOptions = {
    // --- server
    integer_row < [](auto& c) -> auto& {return c.threads;
}  // namespace
> ("server.threads", 1, 1024, "Cores to use. This version runs one core whatever it says."), text_row < [
](auto& c) -> auto& {
  return c.data_dir;
}
> ("server.data_dir", "Directory for what outlives the process. This version keeps everything in memory."),

    // --- auth
    switch_row < [](auto& c) -> auto& {
  return c.allow_anonymous_public;
}
> ("auth.allow_anonymous_public",
   "Listen on addresses that other machines reach, although nobody is asked for a password."),

    // --- limits
    bytes_row < [](auto& c) -> auto& {
  return c.broker.endpoint.max_packet_bytes;
}
> ("limits.max_packet_size", kKiB, kLargestPacketBytes, "Largest MQTT packet that a client may send."), integer_row < [
](auto& c) -> auto& {
  return c.broker.endpoint.receive_maximum;
}
> ("limits.receive_maximum", 1, 65'535, "QoS 1 and 2 messages that a client may have unacknowledged."), integer_row < [
](auto& c) -> auto& {
  return c.broker.endpoint.max_in_flight;
}
> ("limits.max_in_flight", 1, 65'535,
   "QoS 1 and 2 messages sent to a client and not yet acknowledged, whatever it allows."),
    integer_row < [](auto& c) -> auto& {
  return c.broker.endpoint.topic_alias_maximum;
}
> ("limits.topic_alias_maximum", 0, 65'535, "Topic aliases that a client may define on a connection."), integer_row < [
](auto& c) -> auto& {
  return c.broker.endpoint.alias_out_maximum;
}
> ("limits.topic_alias_out_maximum", 0, 65'535,
   "Topic aliases that the broker uses towards a client that allows them."),
    integer_row < [](auto& c) -> auto& {
  return c.broker.max_connections;
}
> ("limits.max_connections", 0, kMost, "Clients connected at a time; 0: only the system's limit."), integer_row < [
](auto& c) -> auto& {
  return c.broker.connect_rate_per_s;
}
> ("limits.connect_rate", 0, 1'000'000, "Connections that are accepted in one second; 0: no limit."),
    milliseconds_row < [](auto& c) -> auto& {
  return c.broker.endpoint.connect_timeout_ms;
}
> ("limits.connect_timeout", 100, kHourMs, "Time for a new connection to complete its handshake."), integer_row < [
](auto& c) -> auto& {
  return c.broker.max_subscriptions_per_client;
}
> ("limits.max_subscriptions_per_client", 1, kMost, "Subscriptions of one session."), integer_row < [
](auto& c) -> auto& {
  return c.broker.max_topic_levels;
}
> ("limits.max_topic_levels", 1, 65'536, "Levels of a topic name or filter, counted between slashes."), integer_row < [
](auto& c) -> auto& {
  return c.broker.endpoint.queue.max_messages;
}
> ("limits.max_queued_messages", 1, kMost, "Messages that wait for one session."), bytes_row < [](auto& c) -> auto& {
  return c.broker.endpoint.queue.max_bytes;
}
> ("limits.max_queued_bytes", kKiB, 1024 * kGiB, "Memory that messages waiting for one session take."), bytes_row < [
](auto& c) -> auto& {
  return c.broker.endpoint.outbox_high_bytes;
}
> ("limits.outbox_bytes", 16 * kKiB, kGiB,
   "Unsent bytes of one connection above which its messages wait in the session and it is not read."),
    milliseconds_row < [](auto& c) -> auto& {
  return c.broker.slow_reader_timeout_ms;
}
> ("limits.slow_reader_timeout", kSecondMs, kHourMs,
   "Time after which a client that reads nothing of a full outbox is disconnected."),
    integer_row < [](auto& c) -> auto& {
  return c.broker.max_retained_messages;
}
> ("limits.max_retained_messages", 0, kMost, "Retained messages of the whole broker."), bytes_row < [
](auto& c) -> auto& {
  return c.broker.max_retained_bytes;
}
> ("limits.max_retained_bytes", 0, 1024 * kGiB, "Memory that all retained messages take."),

    // --- mqtt
    seconds_row < [](auto& c) -> auto& {
  return c.broker.max_session_expiry_s;
}
> ("mqtt.session_expiry_max", 0, kExpiryMaxS, broker::kExpiryNever,
   "Longest time that a session outlives its connection; never: as long as the client asks for."),
    seconds_row < [](auto& c) -> auto& {
  return c.broker.session_expiry_3x_s;
}
> ("mqtt.session_expiry_3x", 0, kExpiryMaxS, broker::kExpiryNever,
   "The same for MQTT 3.1 and 3.1.1 sessions without clean session, which cannot ask."),
    seconds_row < [](auto& c) -> auto& {
  return c.broker.max_keep_alive_s;
}
> ("mqtt.keep_alive_max", 1, 65'535, 0,
   "Longest keep alive, which replaces a longer one or none; never: the client decides."),
    choice_row < [](auto& c) -> auto& {
  return c.broker.endpoint.maximum_qos;
}
> ("mqtt.maximum_qos", kQosNames, "Highest QoS that clients may use."), switch_row < [](auto& c) -> auto& {
  return c.broker.endpoint.retain_available;
}
> ("mqtt.retain_available", "Whether clients may retain messages."), switch_row < [](auto& c) -> auto& {
  return c.broker.allow_empty_client_id;
}
> ("mqtt.allow_empty_client_id", "Whether a client may leave its identifier to the broker."), choice_row < [
](auto& c) -> auto& {
  return c.broker.shared_strategy;
}
> ("mqtt.shared_strategy", kStrategyNames, "Which member of a shared subscription gets the next message."),
    choice_row < [](auto& c) -> auto& {
  return c.broker.overlap;
}
> ("mqtt.overlapping", kOverlapNames,
   "A message that several subscriptions of a client match is sent once (merged) or once for each (separate)."),
    switch_row < [](auto& c) -> auto& {
  return c.broker.queue_qos0_offline;
}
> ("mqtt.queue_qos0_offline", "Keep QoS 0 messages too for sessions that are not connected."), text_row < [
](auto& c) -> auto& {
  return c.broker.response_information;
}
> ("mqtt.response_information", "Topic prefix that clients get which ask for response information."),

    // --- queue
    choice_row < [](auto& c) -> auto& {
  return c.broker.endpoint.queue.policy;
}
> ("queue.drop_policy", kDropNames, "Which message gives way when a session's queue is full."),

    // --- net
    bytes_row < [](auto& c) -> auto& {
  return c.reactor.read_buffer_bytes;
}
> ("net.read_buffer", 4 * kKiB, 16 * kKiB * kKiB,
   "Buffer of one core for reading; also the most that is read of one connection before the next has its turn."),

    // --- sys
    seconds_row < [](auto& c) -> auto& {
  return c.broker.sys_interval_s;
}
> ("sys.interval", 1, 86'400, 0, "How often changed $SYS/broker/... topics are published."),

    // --- log
    choice_row < [](auto& c) -> auto& {
  return c.log.level;
}
> ("log.level", kLevelNames, "The least important lines that are logged."), choice_row < [](auto& c) -> auto& {
  return c.log.format;
}
> ("log.format", kFormatNames, "Log lines as text or as JSON, on standard error."), integer_row < [](auto& c) -> auto& {
  return c.log.lines_per_second;
}
> ("log.lines_per_second", 0, 1'000'000,
   "Lines of one level in one second; the rest is counted, except errors. 0: no limit."),
};  // namespace martlet::server

constexpr std::array kListenerOptions = {text_option < ListenerConfig, [](auto& c) -> auto& {return c.address;
}
> ({.name = "address", .description = "Where to listen: \"host:port\", \"[v6]:port\" or \"*:port\"; port 0: any."}),
    text_option < ListenerConfig, [](auto& c) -> auto& {
  return c.name;
}
> ({.name = "name", .description = "Name in logs; without it, the address."}),
}
;

}  // namespace

std::span<const Option<ServerConfig>> server_options() {
  return kServerOptions;
}

std::span<const Option<ListenerConfig>> listener_options() {
  return kListenerOptions;
}

}  // namespace martlet::server
