#include "server/config/option_table.h"

#include <array>

#include "topic/interest_table.h"

namespace martlet::server {
namespace {

constexpr std::int64_t kSecondMs = 1'000;
constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kDayS = 86'400;
constexpr std::int64_t kKiB = 1024;
constexpr std::int64_t kGiB = kKiB * kKiB * kKiB;
constexpr std::int64_t kTiB = kKiB * kGiB;
constexpr std::int64_t kLargestPacketBytes = 268'435'455 + 5;  // remaining length and the fixed header [2.1.4]
constexpr std::int64_t kMost = 4'294'967'295;                  // of what is kept in 32 bits
constexpr std::int64_t kExpiryMaxS = broker::kExpiryNever - 1;

// In the order of the enumerations.
constexpr std::string_view kQosNames[] = {"0", "1", "2"};
constexpr std::string_view kStrategyNames[] = {"round_robin", "random",      "sticky",
                                               "hash_topic",  "hash_client", "least_in_flight"};
constexpr std::string_view kOverlapNames[] = {"merged", "separate"};
constexpr std::string_view kDropNames[] = {"newest", "oldest"};
constexpr std::string_view kIoNames[] = {"auto", "epoll", "io_uring"};
constexpr std::string_view kLevelNames[] = {"debug", "info", "warning", "error"};
constexpr std::string_view kFormatNames[] = {"text", "json"};

// What an option takes, without where it goes.
constexpr OptionFacts toggle(std::string_view name, std::string_view description) {
  return {.name = name, .kind = OptionKind::boolean, .description = description, .min = 0, .max = 1};
}

constexpr OptionFacts integer(std::string_view name, std::int64_t min, std::int64_t max, std::string_view description) {
  return {.name = name, .kind = OptionKind::integer, .description = description, .min = min, .max = max};
}

constexpr OptionFacts bytes(std::string_view name, std::int64_t min, std::int64_t max, std::string_view description) {
  return {.name = name, .kind = OptionKind::bytes, .description = description, .min = min, .max = max};
}

constexpr OptionFacts milliseconds(std::string_view name, std::int64_t min, std::int64_t max,
                                   std::string_view description) {
  return {.name = name, .kind = OptionKind::duration_ms, .description = description, .min = min, .max = max};
}

// `off`: the number that "never" stands for.
constexpr OptionFacts seconds(std::string_view name, std::int64_t min, std::int64_t max, std::int64_t off,
                              std::string_view description) {
  return {.name = name, .kind = OptionKind::duration_s, .description = description, .min = min, .max = max, .off = off};
}

constexpr OptionFacts choice(std::string_view name, std::span<const std::string_view> choices,
                             std::string_view description) {
  return {.name = name,
          .kind = OptionKind::choice,
          .description = description,
          .min = 0,
          .max = static_cast<std::int64_t>(choices.size()) - 1,
          .choices = choices};
}

constexpr OptionFacts text(std::string_view name, std::string_view description) {
  return {.name = name, .description = description};
}

template <class Field>
constexpr Option<ServerConfig> row(Field, const OptionFacts& facts) {
  return make_option<ServerConfig, Field>(facts);
}

template <class Field>
constexpr Option<ListenerConfig> listener_row(Field, const OptionFacts& facts) {
  return make_option<ListenerConfig, Field>(facts);
}

template <class Field>
constexpr Option<broker::DurabilityRule> durability_row(Field, const OptionFacts& facts) {
  return make_option<broker::DurabilityRule, Field>(facts);
}

constexpr std::array kServerOptions = {
    // --- server
    row(
        [](auto& c) -> auto& { return c.threads; },
        integer("server.threads", 0, topic::InterestTable::kMostCores,
                "Threads that serve clients, each on its own; 0: one for each processor that the process may use.")),
    row(
        [](auto& c) -> auto& { return c.pin_threads; },
        toggle("server.pin_threads", "Keep each of these threads on one processor.")),
    row(
        [](auto& c) -> auto& { return c.io; },
        choice("server.io", kIoNames,
               "How sockets are served: with epoll; with io_uring, which takes Linux 6.12 or newer where it is not "
               "forbidden; or with io_uring where there is that and epoll elsewhere (auto).")),
    row(
        [](auto& c) -> auto& { return c.data_dir; },
        text("server.data_dir",
             "Directory for what outlives the process, created if missing; \"none\": nothing does. Without it: "
             "$STATE_DIRECTORY if systemd set it, else martlet-data beside the configuration file.")),

    // --- store
    row(
        [](auto& c) -> auto& { return c.broker.durability.level; },
        choice("store.durability", kDurabilityNames,
               "What the acknowledgement of a message waits for: that it is synced to the disk (fsync), that the "
               "operating system has it (interval), or nothing (memory).")),
    row(
        [](auto& c) -> auto& { return c.broker.durability.sync_interval_ms; },
        milliseconds("store.sync_interval", 1, kHourMs,
                     "With interval and memory: the longest time for which what was written is not synced.")),
    row(
        [](auto& c) -> auto& { return c.skip_damaged; },
        toggle("store.skip_damaged",
               "Start without what is damaged in the data directory, and say what was left out.")),
    row(
        [](auto& c) -> auto& { return c.broker.endpoint.queue.max_owed_messages; },
        integer("store.max_owed_messages", 0, kMost, "Messages that one session may be owed in the log; 0: no limit.")),
    row(
        [](auto& c) -> auto& { return c.broker.endpoint.queue.max_owed_bytes; },
        bytes("store.max_owed_bytes", 0, 1024 * kTiB,
              "Bytes of messages that one session may be owed in the log; 0: no limit.")),
    row(
        [](auto& c) -> auto& { return c.broker.log.max_age_s; },
        seconds("store.max_age", 1, 36'500 * kDayS, 0,
                "Age at which a message leaves the log, whoever is still owed it; looked at every 5 seconds.")),
    row(
        [](auto& c) -> auto& { return c.broker.log.max_bytes; },
        bytes("store.max_bytes", 0, 1024 * kTiB,
              "Size of the log at which its oldest messages leave it, whoever is still owed them; an estimate, "
              "looked at every 5 seconds. 0: no limit.")),
    row(
        [](auto& c) -> auto& { return c.broker.log.recent_bytes; },
        bytes("store.recent_memory", 0, 1024 * kGiB,
              "Memory for the newest part of the log: a session that is hardly behind is served without the disk.")),

    // --- auth
    row(
        [](auto& c) -> auto& { return c.allow_anonymous_public; },
        toggle("auth.allow_anonymous_public",
               "Listen on addresses that other machines reach, although nobody is asked for a password.")),

    // --- limits
    row(
        [](auto& c) -> auto& { return c.broker.endpoint.max_packet_bytes; },
        bytes("limits.max_packet_size", kKiB, kLargestPacketBytes, "Largest MQTT packet that a client may send.")),
    row(
        [](auto& c) -> auto& { return c.broker.endpoint.receive_maximum; },
        integer("limits.receive_maximum", 1, 65'535, "QoS 1 and 2 messages that a client may have unacknowledged.")),
    row(
        [](auto& c) -> auto& { return c.broker.endpoint.max_in_flight; },
        integer("limits.max_in_flight", 1, 65'535,
                "QoS 1 and 2 messages sent to a client and not yet acknowledged, whatever it allows. By default the "
                "client (receive maximum) and limits.max_in_flight_bytes are what bounds them.")),
    row(
        [](auto& c) -> auto& { return c.broker.endpoint.max_in_flight_bytes; },
        bytes("limits.max_in_flight_bytes", 0, kGiB,
              "Memory that these take for one client; one message always may; 0: no limit.")),
    row(
        [](auto& c) -> auto& { return c.broker.endpoint.topic_alias_maximum; },
        integer("limits.topic_alias_maximum", 0, 65'535, "Topic aliases that a client may define on a connection.")),
    row(
        [](auto& c) -> auto& { return c.broker.endpoint.alias_out_maximum; },
        integer("limits.topic_alias_out_maximum", 0, 65'535,
                "Topic aliases that the broker uses towards a client that allows them.")),
    row(
        [](auto& c) -> auto& { return c.broker.max_connections; },
        integer("limits.max_connections", 0, kMost, "Clients connected at a time; 0: only the system's limit.")),
    row(
        [](auto& c) -> auto& { return c.broker.connect_rate_per_s; },
        integer("limits.connect_rate", 0, 1'000'000,
                "Connections that are accepted in one second, divided among the threads; 0: no limit.")),
    row(
        [](auto& c) -> auto& { return c.broker.endpoint.connect_timeout_ms; },
        milliseconds("limits.connect_timeout", 100, kHourMs, "Time for a new connection to complete its handshake.")),
    row(
        [](auto& c) -> auto& { return c.broker.max_subscriptions_per_client; },
        integer("limits.max_subscriptions_per_client", 1, kMost, "Subscriptions of one session.")),
    row(
        [](auto& c) -> auto& { return c.broker.max_filter_bytes_per_client; },
        bytes("limits.max_filter_bytes_per_client", kKiB, kGiB, "Memory that all topic filters of one session take.")),
    row(
        [](auto& c) -> auto& { return c.broker.max_sessions; },
        integer("limits.max_sessions", 1, kMost, "Sessions, connected or not.")),
    row(
        [](auto& c) -> auto& { return c.broker.max_topic_levels; },
        integer("limits.max_topic_levels", 1, 65'536, "Levels of a topic name or filter, counted between slashes.")),
    row(
        [](auto& c) -> auto& { return c.broker.endpoint.queue.max_messages; },
        integer("limits.max_queued_messages", 1, kMost,
                "Messages that wait for one session in memory: QoS 0, and all of a session that ends with its "
                "connection. store.max_owed_messages bounds the others.")),
    row(
        [](auto& c) -> auto& { return c.broker.endpoint.queue.max_bytes; },
        bytes("limits.max_queued_bytes", kKiB, 1024 * kGiB,
              "Memory that the messages of limits.max_queued_messages take in one session.")),
    row(
        [](auto& c) -> auto& { return c.broker.endpoint.outbox_high_bytes; },
        bytes("limits.outbox_bytes", 16 * kKiB, kGiB,
              "Unsent bytes of one connection above which its messages wait in the session and it is not read.")),
    row(
        [](auto& c) -> auto& { return c.broker.slow_reader_timeout_ms; },
        milliseconds("limits.slow_reader_timeout", kSecondMs, kHourMs,
                     "Time after which a client that reads nothing of a full outbox is disconnected.")),
    row(
        [](auto& c) -> auto& { return c.broker.max_retained_messages; },
        integer("limits.max_retained_messages", 0, kMost, "Retained messages of the whole broker.")),
    row(
        [](auto& c) -> auto& { return c.broker.max_retained_bytes; },
        bytes("limits.max_retained_bytes", 0, 1024 * kGiB, "Memory that all retained messages take.")),

    // --- mqtt
    row(
        [](auto& c) -> auto& { return c.broker.max_session_expiry_s; },
        seconds("mqtt.session_expiry_max", 0, kExpiryMaxS, broker::kExpiryNever,
                "Longest time that a session outlives its connection; never: as long as the client asks for.")),
    row(
        [](auto& c) -> auto& { return c.broker.session_expiry_3x_s; },
        seconds("mqtt.session_expiry_3x", 0, kExpiryMaxS, broker::kExpiryNever,
                "The same for MQTT 3.1 and 3.1.1 sessions without clean session, which cannot ask.")),
    row(
        [](auto& c) -> auto& { return c.broker.max_keep_alive_s; },
        seconds("mqtt.keep_alive_max", 1, 65'535, 0,
                "Longest keep alive, which replaces a longer one or none; never: the client decides.")),
    row(
        [](auto& c) -> auto& { return c.broker.endpoint.maximum_qos; },
        choice("mqtt.maximum_qos", kQosNames, "Highest QoS that clients may use.")),
    row(
        [](auto& c) -> auto& { return c.broker.endpoint.retain_available; },
        toggle("mqtt.retain_available", "Whether clients may retain messages.")),
    row(
        [](auto& c) -> auto& { return c.broker.allow_empty_client_id; },
        toggle("mqtt.allow_empty_client_id", "Whether a client may leave its identifier to the broker.")),
    row(
        [](auto& c) -> auto& { return c.broker.shared_strategy; },
        choice("mqtt.shared_strategy", kStrategyNames, "Which member of a shared subscription gets the next message.")),
    row(
        [](auto& c) -> auto& { return c.broker.overlap; },
        choice("mqtt.overlapping", kOverlapNames,
               "A message that several subscriptions of a client match is sent once (merged) or once for each "
               "(separate).")),
    row(
        [](auto& c) -> auto& { return c.broker.queue_qos0_offline; },
        toggle("mqtt.queue_qos0_offline", "Keep QoS 0 messages too for sessions that are not connected.")),
    row(
        [](auto& c) -> auto& { return c.broker.response_information; },
        text("mqtt.response_information", "Topic prefix that clients get which ask for response information.")),

    row(
        [](auto& c) -> auto& { return c.broker.durability.announce; },
        toggle("mqtt.announce_durability", "Tell 5.0 clients in CONNACK how safe what is acknowledged is.")),

    // --- queue
    row(
        [](auto& c) -> auto& { return c.broker.endpoint.queue.policy; },
        choice("queue.drop_policy", kDropNames, "Which message gives way when a session's queue is full.")),

    // --- net
    row(
        [](auto& c) -> auto& { return c.reactor.read_buffer_bytes; },
        bytes("net.read_buffer", 4 * kKiB, 16 * kKiB * kKiB,
              "Buffer of one core for reading; also the most that is read of one connection before the next has its "
              "turn.")),

    // --- sys
    row(
        [](auto& c) -> auto& { return c.broker.sys_interval_s; },
        seconds("sys.interval", 1, kDayS, 0, "How often changed $SYS/broker/... topics are published.")),

    // --- log
    row(
        [](auto& c) -> auto& { return c.log.level; },
        choice("log.level", kLevelNames, "The least important lines that are logged.")),
    row(
        [](auto& c) -> auto& { return c.log.format; },
        choice("log.format", kFormatNames, "Log lines as text or as JSON, on standard error.")),
    row(
        [](auto& c) -> auto& { return c.log.lines_per_second; },
        integer("log.lines_per_second", 0, 1'000'000,
                "Lines of one level in one second; the rest is counted, except errors. 0: no limit.")),
};

constexpr std::array kListenerOptions = {
    listener_row(
        [](auto& c) -> auto& { return c.address; },
        text("address", "Where to listen: \"host:port\", \"[v6]:port\" or \"*:port\"; port 0: any.")),
    listener_row(
        [](auto& c) -> auto& { return c.name; }, text("name", "Name in logs; without it, the address.")),
};

constexpr std::array kDurabilityOptions = {
    durability_row(
        [](auto& c) -> auto& { return c.filter; },
        text("filter", "Topic filter of the messages that it is about, as \"telemetry/#\".")),
    durability_row(
        [](auto& c) -> auto& { return c.level; },
        choice("level", kDurabilityNames, "What holds for them in place of store.durability.")),
};

}  // namespace

std::span<const Option<ServerConfig>> server_options() {
  return kServerOptions;
}

std::span<const Option<ListenerConfig>> listener_options() {
  return kListenerOptions;
}

std::span<const Option<broker::DurabilityRule>> durability_options() {
  return kDurabilityOptions;
}

}  // namespace martlet::server
