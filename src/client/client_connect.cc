// Connecting, saying goodbye, losing a connection and coming back.
#include <system_error>
#include <utility>

#include "client/client.h"
#include "client/retry_policy.h"

namespace martlet::client {

using wire::PropertyId;
using wire::ReasonCode;

void Client::start() {
  if (phase_ != Phase::stopped) return;
  phase_ = Phase::waiting;
  retry_at_ = 0;
}

void Client::begin_connect() {
  phase_ = Phase::connecting;
  const auto id = reactor_.connect(options_.server);
  if (id) {
    connection_ = *id;
    return;
  }
  lose({.cause = LossCause::connect_failed, .text = id.error().message});
}

void Client::connected(net::ConnectionId id) {
  if (id != connection_) return;
  phase_ = Phase::handshaking;
  ++connection_number_;
  endpoint_.emplace(options_.endpoint, now());
  tracer_.reset();
  if (trace_) tracer_.emplace(*trace_, options_.version);
  ByteChain& out = reactor_.outbox(id);
  send_connect(out);
  if (tracer_) tracer_->sent(out, 0);
  reactor_.touch(id);
}

void Client::send_connect(ByteChain& out) {
  wire::Connect packet;
  packet.version = options_.version;
  packet.clean_start = clean_start_now();
  packet.keep_alive_s = options_.keep_alive_s;
  packet.client_id = options_.client_id.empty() ? assigned_client_id_ : options_.client_id;
  if (options_.username) packet.username = *options_.username;
  if (options_.password) packet.password = as_bytes(*options_.password);
  if (options_.will) {
    const WillOptions& will = *options_.will;
    packet.will = wire::Will{will.topic, as_bytes(will.payload), will.qos, will.retain, will.properties.properties()};
  }
  packet.properties = options_.properties.properties();
  endpoint_->connect(packet, state_, now(), out);
}

// The first connection starts as the user wants. A later one that started clean again would throw away a session that
// the user wanted to outlive the connection [MQTT-3.1.2-4].
bool Client::clean_start_now() const {
  if (!was_up_ || options_.version != wire::ProtocolVersion::v5_0) return options_.clean_start;
  const bool outlives = options_.properties.properties().number_or(PropertyId::session_expiry_interval, 0) != 0;
  return options_.clean_start && !outlives;
}

void Client::came_up(const session::Connected& event) {
  const wire::Connack& connack = event.connack;
  phase_ = Phase::up;
  was_up_ = true;
  backoff_.reset();
  retain_available_ = connack.properties.number_or(PropertyId::retain_available, 1) != 0;
  if (const auto id = connack.properties.text(PropertyId::assigned_client_identifier)) assigned_client_id_ = *id;
  requests_.restart(connack.session_present);
  requests_due_ = true;
  handler_.connected(connack);
  pump();
}

void Client::was_refused(const session::Refused& event) {
  drop_connection(false);
  const DeadlineMs retry_at = schedule_retry(worth_retrying(event.connack.reason));
  handler_.refused(event.connack, retry_at);
}

void Client::lose(Loss loss) {
  loss.was_connected = phase_ == Phase::up;
  drop_connection(true);
  // A server that breaks the rules may do better next time; one that says no means it.
  const bool worth_it = loss.cause != LossCause::server_disconnect || worth_retrying(loss.reason);
  loss.retry_at = schedule_retry(worth_it);
  handler_.lost(loss);
}

DeadlineMs Client::schedule_retry(bool worth_it) {
  const bool allowed = was_up_ ? options_.reconnect : options_.retry_first_connect;
  phase_ = allowed && worth_it ? Phase::waiting : Phase::stopped;
  retry_at_ = phase_ == Phase::waiting ? now().mono_ms + backoff_.next_ms() : kNever;
  return retry_at_;
}

// The endpoint stays until the next connection: an event of it may be under way.
void Client::drop_connection(bool flush) {
  const net::ConnectionId id = std::exchange(connection_, {});
  if (!reactor_.is_open(id)) return;
  flush ? reactor_.close_after_flush(id, now().mono_ms + options_.goodbye_ms) : reactor_.close(id);
}

void Client::closed(net::ConnectionId id, net::CloseReason reason, int system_code) {
  if (id != connection_) return;
  Loss loss;
  if (reason == net::CloseReason::connect_failed) loss.cause = LossCause::connect_failed;
  loss.text = system_code == 0 ? "the server closed the connection" : std::generic_category().message(system_code);
  lose(std::move(loss));
}

void Client::stop(ReasonCode reason, std::optional<std::uint32_t> session_expiry_s) {
  wire::PropertyWriter properties;
  if (session_expiry_s) properties.add_number(PropertyId::session_expiry_interval, *session_expiry_s);
  stop(wire::Disconnect{reason, properties.properties()});
}

void Client::stop(const wire::Disconnect& packet) {
  if (phase_ == Phase::up) {
    ByteChain& out = reactor_.outbox(connection_);
    const std::size_t before = out.size();
    endpoint_->disconnect(packet, out);
    // Inside another operation that one shows it.
    if (tracer_ && !sending_) tracer_->sent(out, before);
  }
  drop_connection(phase_ == Phase::up);
  phase_ = Phase::stopped;
  retry_at_ = kNever;
}

}  // namespace martlet::client
