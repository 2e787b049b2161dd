#include "server/mosquitto/keys.h"

#include <array>

namespace martlet::server::mosquitto {
namespace {

using enum Fate;
using enum Scope;

constexpr std::string_view kBridge = "bridges have no equal yet";
constexpr std::string_view kPlugin = "there are no plugins; see [[authentication]] and [[authorization]]";
constexpr std::string_view kEngine = "keys are read from files only; export the key as PEM";

constexpr Key kKeys[] = {
    // --- the broker
    {"acl_file", security, kept, "[[authorization]] kind = \"mosquitto\""},
    {"allow_anonymous", security, kept, "allow_anonymous"},
    {"allow_duplicate_messages", global, kept,
     "mqtt.overlapping; a message that is sent once has the highest QoS of the subscriptions"},
    {"allow_zero_length_clientid", security, kept, "mqtt.allow_empty_client_id"},
    {"auto_id_prefix", security, kept, "mqtt.assigned_client_id_prefix"},
    {"autosave_interval", global, changed,
     "nothing is saved at intervals: all is written before it is acknowledged; "
     "store.durability says how safely"},
    {"autosave_on_changes", global, changed, "every change is written before it is acknowledged"},
    {"check_retain_source", global, no_equal,
     "who published a retained message is not checked again when it is sent; remove the message when somebody loses "
     "access"},
    {"clientid_prefixes", global, kept, "mqtt.client_id_prefix"},
    {"connection_messages", global, kept, "connections are logged at the level info"},
    {"disable_client_cert_date_checks", listener, no_equal, "expired certificates are refused"},
    {"enable_control_api", global, no_equal, "martlet ctl controls the broker"},
    {"global_max_clients", global, kept, "limits.max_sessions"},
    {"global_max_connections", global, kept, "limits.max_connections"},
    {"include_dir", global, kept, "its files are part of this"},
    {"log_dest", global, kept, "log lines go to standard error"},
    {"log_facility", global, no_equal, "let the service manager send standard error to syslog"},
    {"log_timestamp", global, kept, "each line has the time"},
    {"log_timestamp_format", global, no_equal, "times are written as 2026-11-24T06:00:00.123Z"},
    {"log_type", global, kept, "log.level"},
    {"max_inflight_bytes", global, kept, "limits.max_in_flight_bytes, which Mosquitto 2.0.11 does not heed"},
    {"max_inflight_messages", global, kept, "limits.max_in_flight and limits.receive_maximum"},
    {"max_keepalive", global, kept, "mqtt.keep_alive_max"},
    {"max_packet_size", global, kept, "limits.max_packet_size"},
    {"max_queued_bytes", global, kept, "store.max_owed_bytes and limits.max_queued_bytes"},
    {"max_queued_messages", global, kept, "store.max_owed_messages and limits.max_queued_messages"},
    {"memory_limit", global, no_equal, "memory is bounded by limits.* of each session and connection"},
    {"message_size_limit", global, kept, "limits.max_payload_size"},
    {"packet_buffer_size", global, no_equal, "buffers need no setting"},
    {"password_file", security, kept, "[[authentication]] kind = \"file\""},
    {"per_listener_settings", global, kept, "each listener has its own settings"},
    {"persistence", global, kept, "server.data_dir"},
    {"persistence_file", global, no_equal, "the data directory has files of its own; mosquitto.db is not read"},
    {"persistence_location", global, changed, "server.data_dir is a directory below it"},
    {"persistent_client_expiration", global, changed,
     "mqtt.session_expiry_3x, and mqtt.session_expiry_max, which 5.0 clients that ask for more are told"},
    {"pid_file", global, no_equal, "let the service manager look after the process"},
    {"psk_file", security, kept, "tls.psk_file"},
    {"queue_qos0_messages", global, kept, "mqtt.queue_qos0_offline"},
    {"retain_available", global, kept, "mqtt.retain_available"},
    {"retain_expiry_interval", global, no_equal, "publishers set a message expiry interval"},
    {"retained_persistence", global, changed, "the same as persistence"},
    {"set_tcp_nodelay", global, kept, "it is always on"},
    {"sys_interval", global, kept, "sys.interval"},
    {"upgrade_outgoing_qos", global, kept, "mqtt.upgrade_outgoing_qos"},
    {"user", global, kept, "server.user"},
    {"websockets_headers_size", global, kept, "websocket.max_header of each WebSocket listener"},
    {"websockets_log_level", global, no_equal, "log.levels = [\"net=debug\"] shows what happens to connections"},

    // --- listeners
    {"accept_protocol_versions", listener, kept, "versions"},
    {"bind_address", listener, kept, "address"},
    {"bind_interface", listener, kept, "interface"},
    {"cafile", listener, kept, "tls.client_ca"},
    {"capath", listener, kept, "tls.client_ca_dir"},
    {"certfile", listener, kept, "tls.certificate"},
    {"ciphers", listener, kept, "tls.ciphers"},
    {"ciphers_tls1.3", listener, kept, "tls.cipher_suites"},
    {"crlfile", listener, kept, "tls.crl"},
    {"dhparamfile", listener, kept, "tls.dh"},
    {"enable_proxy_protocol", listener, changed, "proxy_protocol takes both versions of the header"},
    {"http_dir", listener, no_equal, "files are not served; let a web server do that"},
    {"keyfile", listener, kept, "tls.key"},
    {"listener", listener, kept, "[[listener]]"},
    {"listener_allow_anonymous", listener, kept, "allow_anonymous"},
    {"listener_auto_id_prefix", listener, changed, "mqtt.assigned_client_id_prefix holds for all listeners"},
    {"max_connections", listener, kept, "max_connections"},
    {"max_qos", listener, kept, "maximum_qos"},
    {"max_topic_alias", listener, kept, "topic_alias_maximum"},
    {"max_topic_alias_broker", listener, changed, "limits.topic_alias_out_maximum holds for all listeners"},
    {"mount_point", listener, kept, "mount_point"},
    {"port", listener, kept, "address"},
    {"protocol", listener, kept, "protocol"},
    {"proxy_protocol_v2_require_tls", listener, no_equal, "what the load balancer says of TLS is not required"},
    {"psk_hint", listener, kept, "tls.psk_hint"},
    {"require_certificate", listener, kept, "tls.require_certificate"},
    {"socket_domain", listener, kept, "address"},
    {"tls_engine", listener, no_equal, kEngine},
    {"tls_engine_kpass_sha1", listener, no_equal, kEngine, true},
    {"tls_keyform", listener, kept, "keys are PEM"},
    {"tls_version", listener, kept, "tls.min_version"},
    {"use_identity_as_username", listener, kept, "identity = \"common_name\""},
    {"use_subject_as_username", listener, kept, "identity = \"subject\""},
    {"use_username_as_clientid", listener, kept, "username_as_client_id"},
    {"websockets_origin", listener, kept, "websocket.origins"},

    // --- plugins
    {"auth_opt_", plugin, no_equal, kPlugin, true},
    {"auth_plugin", plugin, no_equal, kPlugin},
    {"auth_plugin_deny_special_chars", plugin, no_equal,
     "an acl_file's patterns are never filled with names that hold + or #"},
    {"global_plugin", plugin, no_equal, kPlugin},
    {"plugin", plugin, no_equal, kPlugin},
    {"plugin_load", plugin, no_equal, kPlugin},
    {"plugin_opt_", plugin, no_equal, kPlugin, true},
    {"plugin_use", plugin, no_equal, kPlugin},

    // --- bridges
    {"address", bridge, no_equal, kBridge},
    {"addresses", bridge, no_equal, kBridge},
    {"bridge_alpn", bridge, no_equal, kBridge},
    {"bridge_attempt_unsubscribe", bridge, no_equal, kBridge},
    {"bridge_bind_address", bridge, no_equal, kBridge},
    {"bridge_cafile", bridge, no_equal, kBridge},
    {"bridge_capath", bridge, no_equal, kBridge},
    {"bridge_certfile", bridge, no_equal, kBridge},
    {"bridge_ciphers", bridge, no_equal, kBridge},
    {"bridge_ciphers_tls1.3", bridge, no_equal, kBridge},
    {"bridge_identity", bridge, no_equal, kBridge},
    {"bridge_insecure", bridge, no_equal, kBridge},
    {"bridge_keyfile", bridge, no_equal, kBridge},
    {"bridge_max_packet_size", bridge, no_equal, kBridge},
    {"bridge_max_topic_alias", bridge, no_equal, kBridge},
    {"bridge_outgoing_retain", bridge, no_equal, kBridge},
    {"bridge_protocol_version", bridge, no_equal, kBridge},
    {"bridge_psk", bridge, no_equal, kBridge, true},
    {"bridge_receive_maximum", bridge, no_equal, kBridge},
    {"bridge_reload_type", bridge, no_equal, kBridge},
    {"bridge_require_ocsp", bridge, no_equal, kBridge},
    {"bridge_session_expiry_interval", bridge, no_equal, kBridge},
    {"bridge_tcp_keepalive", bridge, no_equal, kBridge},
    {"bridge_tcp_user_timeout", bridge, no_equal, kBridge},
    {"bridge_tls_use_os_certs", bridge, no_equal, kBridge},
    {"bridge_tls_version", bridge, no_equal, kBridge},
    {"cleansession", bridge, no_equal, kBridge},
    {"clientid", bridge, no_equal, kBridge},
    {"connection", bridge, no_equal, kBridge},
    {"idle_timeout", bridge, no_equal, kBridge},
    {"keepalive_interval", bridge, no_equal, kBridge},
    {"local_cleansession", bridge, no_equal, kBridge},
    {"local_clientid", bridge, no_equal, kBridge},
    {"local_password", bridge, no_equal, kBridge, true},
    {"local_username", bridge, no_equal, kBridge},
    {"notification_topic", bridge, no_equal, kBridge},
    {"notifications", bridge, no_equal, kBridge},
    {"notifications_local_only", bridge, no_equal, kBridge},
    {"password", bridge, no_equal, kBridge, true},
    {"remote_clientid", bridge, no_equal, kBridge},
    {"remote_password", bridge, no_equal, kBridge, true},
    {"remote_username", bridge, no_equal, kBridge},
    {"restart_timeout", bridge, no_equal, kBridge},
    {"round_robin", bridge, no_equal, kBridge},
    {"start_type", bridge, no_equal, kBridge},
    {"threshold", bridge, no_equal, kBridge},
    {"topic", bridge, no_equal, kBridge},
    {"try_private", bridge, no_equal, kBridge},
    {"username", bridge, no_equal, kBridge},
};

constexpr auto kNames = [] {
  std::array<std::string_view, std::size(kKeys)> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = kKeys[i].name;
  return names;
}();

}  // namespace

std::span<const Key> keys() {
  return kKeys;
}

std::span<const std::string_view> key_names() {
  return kNames;
}

const Key* find_key(std::string_view name) {
  for (const Key& key : kKeys) {
    if (key.name == name || (key.name.ends_with('_') && name.size() > key.name.size() && name.starts_with(key.name))) {
      return &key;
    }
  }
  return nullptr;
}

}  // namespace martlet::server::mosquitto
