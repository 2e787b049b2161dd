// CONNECT, authentication and the welcome; DISCONNECT.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/printable.h"
#include "broker/broker.h"
#include "topic/name.h"

namespace martlet::broker {

using wire::PropertyId;
using wire::ProtocolVersion;
using wire::ReasonCode;

namespace {

// A 3.1 client identifier has 1 to 23 characters; 3.1.1 allows an empty one with a clean session only [MQTT-3.1.3-8].
bool client_id_allowed(const wire::Connect& connect, bool empty_allowed) {
  constexpr std::ptrdiff_t kMost3_1 = 23;
  if (connect.version == ProtocolVersion::v3_1) {
    const auto starts_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
    const auto characters = std::count_if(connect.client_id.begin(), connect.client_id.end(), starts_character);
    return characters >= 1 && characters <= kMost3_1;
  }
  if (!connect.client_id.empty()) return true;
  return empty_allowed && (connect.clean_start || connect.version == ProtocolVersion::v5_0);
}

// `topic`: the whole one.
SessionWill will_of(const wire::Connect& connect, std::string_view topic) {
  SessionWill will;
  session::MessageFacts facts;
  facts.qos = connect.will->qos;
  facts.retain = connect.will->retain;
  will.message = session::MessageRef::make(topic, connect.will->payload, connect.will->properties, facts);
  will.delay_s = connect.will->properties.number_or(PropertyId::will_delay_interval, 0);
  will.expiry_s = connect.will->properties.number(PropertyId::message_expiry_interval);
  return will;
}

}  // namespace

void Broker::refuse(Connection& connection, ReasonCode reason, const char* rule, std::string_view client_id,
                    const Now& now, VerdictReason verdict, std::string_view reason_string, std::string_view detail) {
  ByteChain& out = ports_.transport.outbox(connection.id);
  connection.endpoint.refuse(reason, reason_string.empty() ? std::string_view(rule) : reason_string, out);
  if (ports_.log.wants(LogLevel::warning)) {
    std::string why = rule;
    if (!detail.empty()) {
      why.append(": ").append(detail);
    } else if (!reason_string.empty()) {
      why.append(": ").append(printable(reason_string));
    }
    log_refused(connection, {client_id, reason, why});
  }
  end_connection(connection, {verdict, {}, {}, rule}, now, LogLevel::debug);
}

// A client that takes over its own connection makes it no more.
bool Broker::has_room(const Connection& connection, std::string_view client_id) {
  const auto full = [](std::uint64_t limit, std::uint64_t connected) { return limit != 0 && connected >= limit; };
  const bool all_full = full(options_.max_connections, commons_.clients_connected);
  const std::uint32_t listener = connection.listener_index;
  const bool listener_full = full(connection.policy->max_connections, commons_.clients_of(listener));
  if (!all_full && !listener_full) return true;
  const Session* known = sessions_.find(client_id);
  return known && known->connection && (!listener_full || known->connection->listener_index == listener);
}

// Limits on connecting: which versions, how many, how fast.
bool Broker::admit(Connection& connection, const wire::Connect& connect, const Now& now) {
  if (!connection.policy->allows(connect.version)) {
    refuse(connection, ReasonCode::unsupported_protocol_version, "the listener does not allow this protocol version",
           connect.client_id, now);
    return false;
  }
  if (!has_room(connection, connect.client_id)) {
    refuse(connection, ReasonCode::server_busy, "limits.max_connections", connect.client_id, now,
           VerdictReason::too_many_connections);
    return false;
  }
  if (options_.connect_rate_per_s == 0) return true;
  // A bucket that holds one second's worth.
  const double rate = options_.connect_rate_per_s / static_cast<double>(commons_.cores());
  connect_tokens_ += static_cast<double>(now.mono_ms - connect_tokens_at_ms_) * rate / 1000.0;
  connect_tokens_ = std::min(connect_tokens_, rate);
  connect_tokens_at_ms_ = now.mono_ms;
  if (connect_tokens_ < 1.0) {
    refuse(connection, ReasonCode::connection_rate_exceeded, "limits.connect_rate", connect.client_id, now,
           VerdictReason::connect_rate);
    return false;
  }
  connect_tokens_ -= 1.0;
  return true;
}

bool Broker::check_will(Connection& connection, const wire::Connect& connect, const Now& now) {
  if (!connect.will) return true;
  const wire::Will& will = *connect.will;
  if (is_too_long(will.payload)) {
    refuse(connection, ReasonCode::packet_too_large, "limits.max_payload_size", connect.client_id, now,
           VerdictReason::too_large);
    return false;
  }
  if (will.qos > connection.policy->endpoint.maximum_qos) {
    refuse(connection, ReasonCode::qos_not_supported, "MQTT-3.2.2-12", connect.client_id, now);
    return false;
  }
  if (will.retain && !connection.policy->endpoint.retain_available) {
    refuse(connection, ReasonCode::retain_not_supported, "MQTT-3.2.2-13", connect.client_id, now);
    return false;
  }
  const auto is_legal = [&](std::string_view topic) {
    return topic::check_name(topic, options_.max_topic_levels) == topic::Validity::ok && !is_reserved_topic(topic);
  };
  if (!is_legal(will.topic) || !is_legal(connection.policy->mount_point + std::string(will.topic))) {
    refuse(connection, ReasonCode::topic_name_invalid, "the will topic is not valid [MQTT-3.1.3-11]", connect.client_id,
           now);
    return false;
  }
  return true;
}

void Broker::on_connect(Connection& connection, const wire::Connect& connect, const Now& now) {
  ++counters_.connects_received;
  if (!admit(connection, connect, now)) return;
  if (!client_id_allowed(connect, options_.allow_empty_client_id)) {
    return refuse(connection, ReasonCode::client_identifier_not_valid, "MQTT-3.1.3-8", connect.client_id, now);
  }
  if (!check_will(connection, connect, now)) return;

  auto pending = std::make_unique<PendingConnect>();
  pending->version = connect.version;
  pending->clean_start = connect.clean_start;
  pending->keep_alive_s = connect.keep_alive_s;
  pending->assigned = connect.client_id.empty();
  pending->client_id = pending->assigned ? new_client_id() : std::string(connect.client_id);
  if (!pending->client_id.starts_with(options_.required_id_prefix)) {
    return refuse(connection, ReasonCode::not_authorized, "mqtt.client_id_prefix", pending->client_id, now,
                  VerdictReason::denied);
  }
  pending->username = connect.username.value_or("");
  if (connect.will) {
    pending->will = will_of(connect, connection.policy->mount_point + std::string(connect.will->topic));
  }
  pending->expiry_s = connect.version == ProtocolVersion::v5_0
                          ? connect.properties.number_or(PropertyId::session_expiry_interval, 0)
                          : (connect.clean_start ? 0 : options_.session_expiry_3x_s);
  connection.aside.make().pending = std::move(pending);
  authenticate(connection, connect, now);
}

// Hashed with secrets: an identifier must not tell its owner those of others.
std::string Broker::new_client_id() {
  for (;;) {
    const std::uint64_t count = ++assigned_ids_;
    std::string id = fmt::format("{}{:016x}", options_.assigned_id_prefix,
                                 fold_multiply(count ^ id_secrets_[0], id_secrets_[1] | 1));
    if (home_core(sessions_.hash_of(id), commons_.cores()) != ports_.core) continue;
    if (!sessions_.find(id)) return id;
  }
}

// The session that the CONNECT asks for: the old one, or a new one after the old one was ended [MQTT-3.1.2-4] to [-6].
Session& Broker::session_for(const PendingConnect& pending, bool& present, const Now& now) {
  Session* session = sessions_.find(pending.client_id);
  if (session && session->connection) {
    Connection& old = *session->connection;
    old.endpoint.disconnect(ReasonCode::session_taken_over, "another connection uses this client identifier",
                            ports_.transport.outbox(old.id));
    end_connection(old, {VerdictReason::taken_over, {}, {}, "MQTT-3.1.4-3"}, now);
    session = sessions_.find(pending.client_id);  // it may have ended with its connection
  }
  if (session && pending.clean_start) {
    end_session(*session, now);
    session = nullptr;
  }
  present = session != nullptr;
  if (session) return *session;
  ++commons_.sessions;
  return sessions_.create(pending.client_id);
}

void Broker::welcome(Connection& connection, const Now& now) {
  const std::unique_ptr<PendingConnect> pending = std::move(connection.aside.make().pending);
  session::Acceptance acceptance;
  Session& session = session_for(*pending, acceptance.session_present, now);
  const bool was_persistent = session.persistent();
  session.username = pending->username;
  set_grants(session, std::move(pending->decision.grants));
  session.listener_index = connection.listener_index;
  session.peer_address = std::move(connection.address);
  session.expires_at_ms = kNever;
  if (pending->will.message) pending->will.publisher = session.client_hash;
  SessionWill waiting = session.will.take();  // a will that was waiting is cancelled [MQTT-3.1.3-9]
  if (pending->will.message) session.will.make() = std::move(pending->will);
  session.expiry_s = std::min(pending->expiry_s, options_.max_session_expiry_s);
  session.connection = &connection;
  connection.session = &session;
  count_members(session, 1);
  ++counters_.clients_connected;
  ++commons_.clients_connected;
  ++commons_.clients_of(connection.listener_index);
  counters_.clients_maximum = std::max<std::uint64_t>(counters_.clients_maximum, commons_.clients_connected);

  acceptance.state = &session.state;
  session.away_since_wall_ms = 0;
  if (session.persistent()) make_persistent(session);
  if (was_persistent || session.persistent()) {
    acceptance.ticket = ports_.records.append(record_of(session));
  } else {
    acceptance.ticket = sessions_ended_;  // what the client had before must not come back after a crash
  }
  // A will is the server's to publish from CONNACK on [MQTT-3.1.2-8].
  const bool will_changes = session.will->message || session.will_recorded;
  if (will_changes) acceptance.ticket = record_will(session.client_id, *session.will);
  if (pending->assigned) acceptance.assigned_client_id = session.client_id;
  if (session.expiry_s != pending->expiry_s) acceptance.session_expiry_s = session.expiry_s;
  // A 3.x client cannot be told of another keep alive than its own.
  const std::uint16_t most_s = connection.policy->max_keep_alive_s;
  if (most_s != 0 && pending->version == ProtocolVersion::v5_0 &&
      (pending->keep_alive_s == 0 || pending->keep_alive_s > most_s)) {
    acceptance.server_keep_alive_s = most_s;
  }
  acceptance.response_information = options_.response_information;
  acceptance.authentication_data = pending->decision.data;
  acceptance.user_properties = durability_notices_;
  observed_session_ = &session;
  observed_now_ = &now;
  connection.endpoint.accept(acceptance, now, ports_.transport.outbox(connection.id), *this);
  log_connected(connection, acceptance.session_present);
  if (connection.endpoint.closed()) {
    session.will.reset();  // it was never connected
    if (waiting.message) session.will.make() = std::move(waiting);
    if (will_changes) record_will(session.client_id, *session.will);
    return end_connection(connection, {VerdictReason::too_large, {}, {}, "MQTT-3.1.2-24"}, now);
  }
  session.will_recorded = static_cast<bool>(session.will->message);
  // What was retained while the session was away may not have reached it live.
  if (!session.retained->empty()) {
    const std::lock_guard lock(commons_.retained_lock());
    for (auto& [filter, cursor] : session.retained.make()) cursor.up_to_version = retained_.version();
  }
  open_account(connection, now);
  arm(connection);
  tell_connected(session);
  collect_stranded(session, now);
}

void Broker::on_disconnect(Connection& connection, const wire::Disconnect& disconnect, const Now& now) {
  Session* session = connection.session;
  if (session) {
    if (const auto expiry_s = disconnect.properties.number(PropertyId::session_expiry_interval)) {
      const std::uint32_t before_s = session->expiry_s;
      session->expiry_s = std::min(*expiry_s, options_.max_session_expiry_s);
      if (before_s != 0 && session->expiry_s != before_s) ports_.records.append(record_of(*session));
    }
    // A normal goodbye takes the will with it [MQTT-3.14.4-3].
    if (disconnect.reason == ReasonCode::success && session->will->message) {
      session->will.reset();
      record_will(session->client_id, *session->will);
    }
  }
  end_connection(connection, {VerdictReason::disconnected, {}, {}, "the client said goodbye"}, now);
}

}  // namespace martlet::broker
