#include "server/config/option_table.h"

#include <array>

#include "server/config/option_rows.h"
#include "topic/interest_table.h"

namespace martlet::server {
namespace {

// In the order of the enumerations.
constexpr std::string_view kQosNames[] = {"0", "1", "2"};
constexpr std::string_view kStrategyNames[] = {"round_robin", "random",      "sticky",
                                               "hash_topic",  "hash_client", "least_in_flight"};
constexpr std::string_view kOverlapNames[] = {"merged", "separate"};
constexpr std::string_view kDropNames[] = {"newest", "oldest"};
constexpr std::string_view kIoNames[] = {"auto", "epoll", "io_uring"};
constexpr std::string_view kLevelNames[] = {"debug", "info", "warning", "error"};
constexpr std::string_view kFormatNames[] = {"auto", "text", "json"};

template <class Field>
constexpr Option<ServerConfig> row(Field, const OptionFacts& facts) {
  return make_option<ServerConfig, Field>(facts);
}

template <class Field>
constexpr Option<broker::DurabilityRule> durability_row(Field, const OptionFacts& facts) {
  return make_option<broker::DurabilityRule, Field>(facts);
}

constexpr std::array kServerOptions = {
    // --- server
    row(
        [](auto& c) -> auto& { return c.user; },
        text("server.user", "\"martlet\"",
             "User that the process becomes once it listens, if it was started as root; empty: it stays root.")),
    row(
        [](auto& c) -> auto& { return c.group; },
        text("server.group", "\"martlet\"", "Group that it becomes; empty: those of server.user.")),
    row(
        [](auto& c) -> auto& { return c.control; },
        path("server.control", "\"/run/martlet/control\"",
             "Unix socket through which martlet ctl reaches the broker; \"none\": there is none. Without it: "
             "control.sock in "
             "the data directory.")),
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
        text("server.data_dir", "\"/var/lib/martlet\"",
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
        [](auto& c) -> auto& { return c.auth.allow_anonymous; },
        live(toggle("auth.allow_anonymous",
                    "Whether clients without user name and password may connect, where a listener does not say; unset: "
                    "if there is no [[authentication]]."))),
    row(
        [](auto& c) -> auto& { return c.auth.allow_anonymous_public; },
        toggle("auth.allow_anonymous_public",
               "Listen on addresses that other machines reach, although nobody is asked for a password.")),
    row(
        [](auto& c) -> auto& { return c.auth.unchecked_user_names; },
        live(toggle("auth.unchecked_user_names",
                    "Without any [[authentication]], take a client to be the user that it says it is, for rules and "
                    "sessions, as Mosquitto does; else it is anonymous."))),
    row(
        [](auto& c) -> auto& { return c.broker.refuse_as_not_authorized; },
        toggle("auth.refuse_as_not_authorized",
               "A wrong user name or password is answered \"not authorized\" (0x87; 5 in 3.x), as Mosquitto does, not "
               "\"bad user name or password\" (0x86; 4).")),
    row(
        [](auto& c) -> auto& { return c.auth.workers; },
        integer("auth.workers", 1, 256, "Threads for what takes time: password hashes and look-ups.")),
    row(
        [](auto& c) -> auto& { return c.auth.max_waiting; },
        integer("auth.max_waiting", 1, 10'000'000,
                "Clients that wait for one of these threads; more are refused as long as that is so.")),

    // --- limits
    row(
        [](auto& c) -> auto& { return c.broker.endpoint.max_packet_bytes; },

        bytes("limits.max_packet_size", kSmallestPacketBytes, kLargestPacketBytes,
              "Largest MQTT packet that a client may send.")),
    row(
        [](auto& c) -> auto& { return c.broker.max_payload_bytes; },
        bytes(
            "limits.max_payload_size", 0, kLargestPacketBytes,
            "Longest payload of a message: a longer one is acknowledged, to 5.0 clients with a reason, and dropped. 0: "
            "only limits.max_packet_size, which ends the connection, bounds it.")),
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

    row(
        [](auto& c) -> auto& { return c.broker.publish_rate_per_s; },
        integer("limits.publish_rate", 0, kMost,
                "Messages that one client may publish in a second; above, it is read more slowly. 0: no limit.")),
    row(
        [](auto& c) -> auto& { return c.broker.publish_bytes_per_s; },
        bytes("limits.publish_bytes_rate", 0, 1024 * kGiB, "The same in bytes of messages.")),
    row(
        [](auto& c) -> auto& { return c.broker.user_publish_rate_per_s; },
        integer("limits.user_publish_rate", 0, kMost,
                "Messages that all clients of one user may publish in a second; 0: no limit.")),
    row(
        [](auto& c) -> auto& { return c.broker.user_publish_bytes_per_s; },
        bytes("limits.user_publish_bytes_rate", 0, 1024 * kGiB, "The same in bytes of messages.")),

    // --- abuse
    row(
        [](auto& c) -> auto& { return c.abuse.connections_per_address; },
        live(integer("abuse.connections_per_address", 0, 1'000'000,
                     "New connections of one address in a second; 0: no limit."))),
    row(
        [](auto& c) -> auto& { return c.abuse.connection_burst; },
        live(integer("abuse.connection_burst", 1, 1'000'000, "Of these, so many may come at once on top."))),
    row(
        [](auto& c) -> auto& { return c.abuse.max_connections_per_address; },
        live(integer("abuse.max_connections_per_address", 0, kMost,
                     "Connections that one address may have open; 0: no limit."))),
    row(
        [](auto& c) -> auto& { return c.abuse.max_checks_per_address; },
        live(integer("abuse.max_checks_per_address", 0, kMost,
                     "Log-ins of one address that may wait to be checked; more are refused as busy. 0: no limit."))),
    row(
        [](auto& c) -> auto& { return c.abuse.failures_before_ban; },
        live(integer("abuse.failures_before_ban", 0, 1'000'000,
                     "Refused log-ins of one address in abuse.failure_window that ban it; 0: none is banned."))),
    row(
        [](auto& c) -> auto& { return c.abuse.failure_window_ms; },
        live(milliseconds("abuse.failure_window", kSecondMs, kDayMs, "Time in which refused log-ins are counted."))),
    row(
        [](auto& c) -> auto& { return c.abuse.ban_time_ms; },
        live(milliseconds("abuse.ban_time", kSecondMs, 30 * kDayMs,
                          "How long an address is refused the first time; each further time in a row it doubles."))),
    row(
        [](auto& c) -> auto& { return c.abuse.ban_time_max_ms; },
        live(milliseconds("abuse.ban_time_max", kSecondMs, 365 * kDayMs, "Longest such time."))),
    row(
        [](auto& c) -> auto& { return c.abuse.flapping_connects; },
        live(integer("abuse.flapping_connects", 0, 1'000'000,
                     "Connections of one client in abuse.flapping_window above which it has to wait; 0: no limit."))),
    row(
        [](auto& c) -> auto& { return c.abuse.flapping_window_ms; },
        live(milliseconds("abuse.flapping_window", kSecondMs, kDayMs, "Time in which they are counted."))),
    row(
        [](auto& c) -> auto& { return c.abuse.exempt; },
        live(list("abuse.exempt", "[\"127.0.0.0/8\", \"::1\", \"10.0.0.0/8\"]",
                  "Addresses and networks that nothing of [abuse] holds for."))),

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
                "Longest keep alive of 5.0 clients, which are told; it replaces a longer one or none. 3.1 and 3.1.1 "
                "clients cannot be told and keep theirs. never: the client decides.")),
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
        [](auto& c) -> auto& { return c.broker.session_bound_to_user; },
        toggle("mqtt.session_bound_to_user",
               "Refuse a client whose identifier has a session, connected or not, of another user name. Else a client "
               "identifier is enough to get a session and what it is owed.")),
    row(
        [](auto& c) -> auto& { return c.broker.assigned_id_prefix; },
        text("mqtt.assigned_client_id_prefix", "\"auto-\"", "What the identifiers that the broker gives begin with.")),
    row(
        [](auto& c) -> auto& { return c.broker.required_id_prefix; },
        text("mqtt.client_id_prefix", "\"fleet-\"",
             "What client identifiers have to begin with, those that the broker gives too; others are refused as not "
             "authorized. Empty: anything.")),
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
        text("mqtt.response_information", "\"replies/\"",
             "Topic prefix that clients get which ask for response information.")),

    row(
        [](auto& c) -> auto& { return c.broker.upgrade_outgoing_qos; },
        toggle("mqtt.upgrade_outgoing_qos",
               "Send messages at the QoS of the subscription, also those that were published at a lower one.")),
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
        live(choice("log.level", kLevelNames, "The least important lines that are logged."))),
    row(
        [](auto& c) -> auto& { return c.log.format; },
        live(choice("log.format", kFormatNames,
                    "Log lines as text or as JSON, on standard error; auto: text if that is a terminal, else JSON."))),
    row(
        [](auto& c) -> auto& { return c.log.levels; },
        live(list("log.levels", "[\"net=debug\", \"auth=warning\"]",
                  "Levels of single parts of the broker, in place of log.level."))),
    row(
        [](auto& c) -> auto& { return c.log.lines_per_second; },
        live(integer("log.lines_per_second", 0, 1'000'000,
                     "Lines of one level in one second; the rest is counted, except errors. 0: no limit."))),
};

constexpr std::array kDurabilityOptions = {
    durability_row(
        [](auto& c) -> auto& { return c.filter; },
        text("filter", "\"telemetry/#\"", "Topic filter of the messages that it is about, as \"telemetry/#\".")),
    durability_row(
        [](auto& c) -> auto& { return c.level; },
        choice("level", kDurabilityNames, "What holds for them in place of store.durability.")),
};

}  // namespace

std::span<const Option<ServerConfig>> server_options() {
  return kServerOptions;
}

std::span<const Option<broker::DurabilityRule>> durability_options() {
  return kDurabilityOptions;
}

}  // namespace martlet::server
