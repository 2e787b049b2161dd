// CONNECT, CONNACK and AUTH.
#include <algorithm>

#include "base/check.h"
#include "session/endpoint.h"
#include "wire/encode.h"

namespace martlet::session {

using wire::DecodeError;
using wire::PropertyId;
using wire::PropertyWriter;
using wire::ProtocolVersion;
using wire::ReasonCode;

namespace {

// The protocol level byte of a CONNECT body, or 0 if the body ends before it or the protocol's name is not MQTT's.
std::uint8_t protocol_level(ByteView body) {
  if (body.size() < 2) return 0;
  const std::size_t name_size = static_cast<std::size_t>(body[0]) << 8 | body[1];
  if (body.size() < 2 + name_size + 1) return 0;
  const std::string_view name = as_text(body.subspan(2, name_size));
  return name == "MQTT" || name == "MQIsdp" ? body[2 + name_size] : 0;
}

}  // namespace

Event Endpoint::on_connect(const wire::Connect& connect) {
  version_ = connect.version;
  keep_alive_s_ = connect.keep_alive_s;
  const wire::Properties& properties = connect.properties;
  peer_max_packet_bytes_ = properties.number_or(PropertyId::maximum_packet_size, 0);
  problem_information_ = properties.number_or(PropertyId::request_problem_information, 1) != 0;
  response_information_ = properties.number_or(PropertyId::request_response_information, 0) != 0;
  window_size_ =
      std::min<std::uint32_t>(properties.number_or(PropertyId::receive_maximum, 65'535), options_.max_in_flight);
  outgoing_aliases_.set_maximum(static_cast<std::uint16_t>(
      std::min<std::uint32_t>(properties.number_or(PropertyId::topic_alias_maximum, 0), options_.alias_out_maximum)));
  set_authentication_method(properties.text(PropertyId::authentication_method).value_or(""));
  may_set_expiry_ = properties.number_or(PropertyId::session_expiry_interval, 0) != 0;
  phase_ = Phase::deciding;
  return ConnectRequested{connect};
}

// A CONNECT that cannot be read is answered in the version that it seems to speak, where one can be told
// [MQTT-3.1.4-1].
Event Endpoint::fail_connect(const wire::Frame& frame, const DecodeError& error, ByteChain& out) {
  const std::uint8_t level = protocol_level(frame.body);
  // A bridge of Mosquitto's sets the level's top bit and falls back on the refusal that 3.1.1 knows.
  const bool bridge = (level & 0x80) != 0;
  if (level >= 5 && !bridge) {
    version_ = ProtocolVersion::v5_0;
    wire::encode(wire::Connack{false, error.reason, {}}, version_, out);
  } else if (error.reason == ReasonCode::unsupported_protocol_version && level != 0) {
    version_ = ProtocolVersion::v3_1_1;
    wire::encode(wire::Connack{false, error.reason, {}}, version_, out);
  }
  phase_ = Phase::closed;
  return Failed{error};
}

void Endpoint::accept(const Acceptance& acceptance, const Now& now, ByteChain& out, DeliveryObserver& observer) {
  check(phase_ == Phase::deciding && acceptance.state, "a CONNECT is being decided on");
  if (acceptance.server_keep_alive_s) keep_alive_s_ = *acceptance.server_keep_alive_s;

  PropertyWriter properties;
  const auto number = [&](PropertyId id, std::uint32_t value) { properties.add_number(id, value); };
  if (acceptance.session_expiry_s) number(PropertyId::session_expiry_interval, *acceptance.session_expiry_s);
  if (options_.receive_maximum != 65'535) number(PropertyId::receive_maximum, options_.receive_maximum);
  if (options_.maximum_qos != wire::QoS::exactly_once) {
    number(PropertyId::maximum_qos, static_cast<std::uint32_t>(options_.maximum_qos));
  }
  if (!options_.retain_available) number(PropertyId::retain_available, 0);
  if (options_.max_packet_bytes < wire::kMaxRemainingLength) {
    number(PropertyId::maximum_packet_size, options_.max_packet_bytes);
  }
  if (!acceptance.assigned_client_id.empty()) {
    properties.add_text(PropertyId::assigned_client_identifier, acceptance.assigned_client_id);
  }
  if (options_.topic_alias_maximum != 0) number(PropertyId::topic_alias_maximum, options_.topic_alias_maximum);
  if (acceptance.server_keep_alive_s) number(PropertyId::server_keep_alive, *acceptance.server_keep_alive_s);
  if (response_information_ && !acceptance.response_information.empty()) {
    properties.add_text(PropertyId::response_information, acceptance.response_information);
  }
  if (!authentication_method().empty()) {
    properties.add_text(PropertyId::authentication_method, authentication_method());
    if (!acceptance.authentication_data.empty()) {
      properties.add_binary(PropertyId::authentication_data, acceptance.authentication_data);
    }
  }
  // Without the limits in it the client would break them, so a client that cannot take the CONNACK cannot be served.
  if (!pass_connack(acceptance, properties, out)) {
    phase_ = Phase::closed;
    return;
  }
  connack_ticket_ = acceptance.ticket;
  begin_connected(*acceptance.state, now);
  pump(now, out, observer);
}

bool Endpoint::pass_connack(const Acceptance& acceptance, const PropertyWriter& needed, ByteChain& out) {
  const auto pass = [&](const PropertyWriter& properties) {
    const wire::Connack connack{acceptance.session_present, ReasonCode::success, properties.properties()};
    return pass_gate(acceptance.ticket, connack, out);
  };
  if (acceptance.user_properties.empty()) return pass(needed);
  PropertyWriter all = needed;
  for (const UserProperty& one : acceptance.user_properties)
    all.add_pair(PropertyId::user_property, one.name, one.value);
  return pass(all) || pass(needed);
}

void Endpoint::begin_connected(SessionState& state, const Now& now) {
  state_ = &state;
  phase_ = Phase::connected;
  last_received_ms_ = now.mono_ms;
  framer_.set_max_packet_bytes(options_.max_packet_bytes);
  window_used_ = 0;
  received_unfinished_ = 0;
  state.outgoing.restart();
  state.incoming.restart();
}

void Endpoint::refuse(ReasonCode reason, std::string_view reason_string, ByteChain& out) {
  if (phase_ != Phase::deciding) return;
  reason = legal_reason(reason, wire::PacketType::connack);
  PropertyWriter properties;
  if (!reason_string.empty()) properties.add_text(PropertyId::reason_string, reason_string);
  // The reason string gives way to the peer's maximum packet size [MQTT-3.2.2-19].
  if (!write(wire::Connack{false, reason, properties.properties()}, out)) write(wire::Connack{false, reason, {}}, out);
  phase_ = Phase::closed;
}

void Endpoint::set_authentication_method(std::string_view method) {
  authentication_method_ = method.empty() ? nullptr : std::make_unique<std::string>(method);
}

void Endpoint::connect(const wire::Connect& packet, SessionState& state, const Now& now, ByteChain& out) {
  check(options_.role == Role::client && phase_ == Phase::awaiting_connack, "a client connects once");
  version_ = packet.version;
  keep_alive_s_ = packet.keep_alive_s;
  asked_clean_start_ = packet.clean_start;
  state_ = &state;
  set_authentication_method(packet.properties.text(PropertyId::authentication_method).value_or(""));

  // The limits that the options state replace whatever the caller wrote, so that they are said once.
  PropertyWriter properties;
  packet.properties.for_each([&](const wire::Property& property) {
    const bool ours = property.id == PropertyId::receive_maximum || property.id == PropertyId::maximum_packet_size ||
                      property.id == PropertyId::topic_alias_maximum;
    if (!ours) properties.add(property);
  });
  if (options_.receive_maximum != 65'535) properties.add_number(PropertyId::receive_maximum, options_.receive_maximum);
  if (options_.max_packet_bytes < wire::kMaxRemainingLength) {
    properties.add_number(PropertyId::maximum_packet_size, options_.max_packet_bytes);
  }
  if (options_.topic_alias_maximum != 0) {
    properties.add_number(PropertyId::topic_alias_maximum, options_.topic_alias_maximum);
  }
  wire::Connect complete = packet;
  complete.properties = properties.properties();
  wire::encode(complete, version_, out);
  last_received_ms_ = now.mono_ms;
}

Event Endpoint::on_connack(const wire::Connack& connack, const Now& now, ByteChain& out) {
  if (connack.reason != ReasonCode::success) {
    phase_ = Phase::closed;
    return Refused{connack};
  }
  const wire::Properties& properties = connack.properties;
  if (connack.session_present && asked_clean_start_) {
    return fail({ReasonCode::protocol_error, "MQTT-3.2.2-2", "a session is present after a clean start"}, out);
  }
  if (version_ == ProtocolVersion::v5_0 &&
      properties.text(PropertyId::authentication_method).value_or("") != authentication_method()) {
    return fail({ReasonCode::protocol_error, "MQTT-4.12.0-5", "the authentication method changed"}, out);
  }
  peer_retain_available_ = properties.number_or(PropertyId::retain_available, 1) != 0;
  window_size_ =
      std::min<std::uint32_t>(properties.number_or(PropertyId::receive_maximum, 65'535), options_.max_in_flight);
  peer_max_packet_bytes_ = properties.number_or(PropertyId::maximum_packet_size, 0);
  peer_maximum_qos_ = static_cast<wire::QoS>(properties.number_or(PropertyId::maximum_qos, 2));
  outgoing_aliases_.set_maximum(static_cast<std::uint16_t>(
      std::min<std::uint32_t>(properties.number_or(PropertyId::topic_alias_maximum, 0), options_.alias_out_maximum)));
  if (const auto keep_alive = properties.number(PropertyId::server_keep_alive)) {
    keep_alive_s_ = static_cast<std::uint16_t>(*keep_alive);
  }
  begin_connected(*state_, now);
  if (!connack.session_present) {
    state_->outgoing.forget_sent([this](Delivery delivery, std::uint16_t packet_id) {
      if (!finished_before_) finished_before_ = std::make_unique<std::vector<DeliveryFinished>>();
      finished_before_->push_back({std::move(delivery), packet_id, ReasonCode::success});
    });
    state_->incoming.clear();
  }
  return Connected{connack};
}

void Endpoint::send_auth(ReasonCode reason, std::string_view method, ByteView data, ByteChain& out) {
  PropertyWriter properties;
  properties.add_text(PropertyId::authentication_method, method);
  if (!data.empty()) properties.add_binary(PropertyId::authentication_data, data);
  write(wire::Auth{reason, properties.properties()}, out);
  if (reason == ReasonCode::reauthenticate) reauthenticating_ = true;
  if (reason == ReasonCode::success) reauthenticating_ = false;
}

Event Endpoint::on_auth(const wire::Auth& auth, ByteChain& out) {
  if (authentication_method().empty()) {
    return fail({ReasonCode::protocol_error, "MQTT-4.12.0-7", "AUTH without a method in CONNECT"}, out);
  }
  if (auth.properties.text(PropertyId::authentication_method).value_or("") != authentication_method()) {
    return fail({ReasonCode::protocol_error, "MQTT-4.12.0-5", "the authentication method changed"}, out);
  }
  const bool restart = auth.reason == ReasonCode::reauthenticate;
  const bool server = options_.role == Role::server;
  if (restart && (phase_ != Phase::connected || !server)) {
    return fail({ReasonCode::protocol_error, "MQTT-4.12.1-1", "re-authentication before CONNACK"}, out);
  }
  if (!restart && phase_ == Phase::connected && !reauthenticating_) {
    return fail({ReasonCode::protocol_error, "MQTT-4.12.0-3", "AUTH continues no exchange"}, out);
  }
  if (restart) reauthenticating_ = true;
  if (auth.reason == ReasonCode::success) reauthenticating_ = false;
  return AuthReceived{auth, restart};
}

}  // namespace martlet::session
