// Frames, dispatch, failure and time. The handshake is in endpoint_handshake.cc, messages in endpoint_publish.cc.
#include "session/endpoint.h"

#include <algorithm>

#include "session/connect_limit.h"
#include "wire/encode.h"

namespace martlet::session {

using wire::DecodeError;
using wire::PacketType;
using wire::ProtocolVersion;
using wire::ReasonCode;

Endpoint::Endpoint(const EndpointOptions& options, const Now& now)
    : options_(options),
      framer_(options.role == Role::server ? std::min(options.max_packet_bytes, kMostConnectBytes)
                                           : options.max_packet_bytes,
              MessageRef::kHeadroomBytes),
      last_received_ms_(now.mono_ms),
      phase_(options.role == Role::server ? Phase::awaiting_connect : Phase::awaiting_connack) {
  incoming_aliases_.set_maximum(options.topic_alias_maximum);
}

Event Endpoint::receive(ByteView& input, const Now& now, ByteChain& out) {
  if (phase_ == Phase::closed) {
    input = {};
    return NeedMore{};
  }
  if (finished_before_ && !finished_before_->empty()) {
    DeliveryFinished finished = std::move(finished_before_->front());
    finished_before_->erase(finished_before_->begin());
    return finished;
  }
  wire::Frame frame;
  switch (framer_.next(input, frame)) {
    case wire::FrameStatus::need_more:
      return NeedMore{};
    case wire::FrameStatus::bad_length:
      return fail({ReasonCode::malformed_packet, "MQTT-1.5.5-1", "remaining length is not in its shortest form"}, out);
    case wire::FrameStatus::too_large:
      return fail({ReasonCode::packet_too_large, "MQTT-3.2.2-15", "packet exceeds the maximum packet size"}, out);
    case wire::FrameStatus::frame:
      break;
  }
  // The handshake as a whole has one deadline, however many packets it takes.
  if (options_.role == Role::server && phase_ == Phase::connected) last_received_ms_ = now.mono_ms;
  return on_frame(frame, now, out);
}

Event Endpoint::on_frame(const wire::Frame& frame, const Now& now, ByteChain& out) {
  const auto type = static_cast<PacketType>(frame.first_byte >> 4);
  if (!awaited(type)) {
    if (phase_ == Phase::awaiting_connect) {
      return fail({ReasonCode::protocol_error, "MQTT-3.1.0-1", "the first packet is not CONNECT"}, out);
    }
    if (type == PacketType::connect) {
      return fail({ReasonCode::protocol_error, "MQTT-3.1.0-2", "a second CONNECT"}, out);
    }
    if (phase_ == Phase::deciding) {
      return fail({ReasonCode::protocol_error, "MQTT-3.1.2-30", "only AUTH or DISCONNECT may come before CONNACK"},
                  out);
    }
    return fail({ReasonCode::protocol_error, "4.13", "a packet type that is not allowed here"}, out);
  }
  auto packet = wire::decode(frame.first_byte, frame.body, version_, peer());
  if (!packet) {
    return phase_ == Phase::awaiting_connect ? fail_connect(frame, packet.error(), out) : fail(packet.error(), out);
  }
  return dispatch(*packet, now, out);
}

// Which packets the peer may send in the present phase; the reserved type 0 is left to the decoder, as malformed.
bool Endpoint::awaited(PacketType type) const {
  if (static_cast<std::uint8_t>(type) == 0) return phase_ == Phase::connected;
  switch (phase_) {
    case Phase::awaiting_connect:
      return type == PacketType::connect;
    case Phase::deciding:
      return type == PacketType::auth || type == PacketType::disconnect;
    case Phase::awaiting_connack:
      return type == PacketType::connack || type == PacketType::auth;
    case Phase::closed:
      return false;
    case Phase::connected:
      break;
  }
  switch (type) {
    case PacketType::connect:
    case PacketType::connack:
      return false;
    case PacketType::suback:
    case PacketType::unsuback:
    case PacketType::pingresp:
      return options_.role == Role::client;
    case PacketType::subscribe:
    case PacketType::unsubscribe:
    case PacketType::pingreq:
      return options_.role == Role::server;
    // A 3.x server has no DISCONNECT; AUTH of 3.x is refused by the decoder.
    case PacketType::disconnect:
      return options_.role == Role::server || version_ == ProtocolVersion::v5_0;
    default:
      return true;
  }
}

Event Endpoint::dispatch(wire::Packet& packet, const Now& now, ByteChain& out) {
  struct Dispatch {
    Endpoint& self;
    const Now& now;
    ByteChain& out;
    Event operator()(wire::Connect& p) { return self.on_connect(p); }
    Event operator()(wire::Connack& p) { return self.on_connack(p, now, out); }
    Event operator()(wire::Publish& p) { return self.on_publish(p, out); }
    Event operator()(wire::PublishAck& p) { return self.on_publish_ack(p, out); }
    Event operator()(wire::Subscribe& p) { return SubscribeRequested{p}; }
    Event operator()(wire::Unsubscribe& p) { return UnsubscribeRequested{p}; }
    Event operator()(wire::FilterAck& p) { return self.on_request_ack(p, out); }
    Event operator()(wire::Pingreq&) {
      self.write(wire::Pingresp{}, out);
      return Handled{};
    }
    Event operator()(wire::Pingresp&) {
      self.ping_outstanding_ = false;
      return Handled{};
    }
    Event operator()(wire::Disconnect& p) { return self.on_disconnect(p, out); }
    Event operator()(wire::Auth& p) { return self.on_auth(p, out); }
  };
  return std::visit(Dispatch{*this, now, out}, packet);
}

Event Endpoint::on_request_ack(const wire::FilterAck& ack, ByteChain& out) {
  InFlight* entry = state_->outgoing.find(ack.packet_id);
  if (!entry || entry->state != FlightState::request) {
    return fail({ReasonCode::protocol_error, "MQTT-2.2.1-6", "an answer to no request"}, out);
  }
  state_->outgoing.end(*entry);
  return RequestAnswered{ack};
}

Event Endpoint::on_disconnect(const wire::Disconnect& disconnect, ByteChain& out) {
  const std::uint32_t expiry_s = disconnect.properties.number_or(wire::PropertyId::session_expiry_interval, 0);
  if (options_.role == Role::server && expiry_s != 0 && !may_set_expiry_) {
    return fail({ReasonCode::protocol_error, "3.14.2.2.2", "DISCONNECT sets a session expiry that CONNECT did not"},
                out);
  }
  phase_ = Phase::closed;
  return DisconnectReceived{disconnect};
}

Event Endpoint::fail(const DecodeError& error, ByteChain& out) {
  if (phase_ == Phase::deciding) {
    refuse(error.reason, error.what, out);
  } else {
    disconnect(error.reason, error.what, out);
  }
  phase_ = Phase::closed;
  return Failed{error};
}

void Endpoint::disconnect(ReasonCode reason, std::string_view reason_string, ByteChain& out) {
  wire::PropertyWriter properties;
  if (!reason_string.empty()) properties.add_text(wire::PropertyId::reason_string, reason_string);
  disconnect(wire::Disconnect{reason, properties.properties()}, out);
}

void Endpoint::disconnect(const wire::Disconnect& packet, ByteChain& out) {
  // A 3.x server has no DISCONNECT, and a 3.x client's one says that all is well: the server discards the will.
  const bool allowed =
      version_ == ProtocolVersion::v5_0 || (options_.role == Role::client && packet.reason == ReasonCode::success);
  if (phase_ == Phase::connected && allowed && !connack_held()) {
    const wire::Disconnect legal{legal_reason(packet.reason, PacketType::disconnect), packet.properties};
    // The reason string gives way to the peer's maximum packet size [MQTT-3.14.2-3].
    if (!write(legal, out)) write(wire::Disconnect{legal.reason, {}}, out);
  }
  phase_ = Phase::closed;
}

// What the owner's decisions say in codes that the packet does not have [MQTT-3.2.2-8], [MQTT-3.14.2-1].
ReasonCode Endpoint::legal_reason(ReasonCode reason, PacketType type) const {
  const wire::Sender self = options_.role == Role::server ? wire::Sender::server : wire::Sender::client;
  if (wire::legal_in(reason, type, self)) return reason;
  const bool credentials = reason == ReasonCode::bad_user_name_or_password || reason == ReasonCode::banned;
  return credentials && wire::legal_in(ReasonCode::not_authorized, type, self) ? ReasonCode::not_authorized
                                                                               : ReasonCode::unspecified_error;
}

bool Endpoint::fits(const wire::Packet& packet) const {
  return peer_max_packet_bytes_ == 0 || wire::encoded_size(packet, version_) <= peer_max_packet_bytes_;
}

void Endpoint::durable(std::uint64_t position, ByteChain& out) {
  if (phase_ != Phase::closed)
    received_unfinished_ -= gate_.open_to(position, out);  // nothing follows a DISCONNECT [MQTT-3.14.4-1]
}

bool Endpoint::write(const wire::Packet& packet, ByteChain& out) {
  if (connack_held()) return pass_gate(Ticket::done(), packet, out);
  if (!fits(packet)) return false;
  ++packets_written_;
  wire::encode(packet, version_, out);
  return true;
}

bool Endpoint::pass_gate(Ticket ticket, const wire::Packet& packet, ByteChain& out, bool ends_exchange) {
  if (!fits(packet)) return false;
  ++packets_written_;
  const bool left = gate_.pass(Acknowledgement(ticket, packet), version_, out, ends_exchange);
  if (left && ends_exchange) --received_unfinished_;
  return true;
}

void Endpoint::answer_request(Ticket ticket, const wire::FilterAck& ack, ByteChain& out) {
  if (pass_gate(ticket, ack, out)) return;
  wire::FilterAck bare = ack;
  bare.properties = {};
  pass_gate(ticket, bare, out);
}

std::uint16_t Endpoint::subscribe(const wire::Subscribe& packet, ByteChain& out) {
  wire::Subscribe numbered = packet;
  numbered.packet_id = state_->outgoing.begin_request();
  return send_request(numbered.packet_id, numbered, out);
}

std::uint16_t Endpoint::unsubscribe(const wire::Unsubscribe& packet, ByteChain& out) {
  wire::Unsubscribe numbered = packet;
  numbered.packet_id = state_->outgoing.begin_request();
  return send_request(numbered.packet_id, numbered, out);
}

// Returns the identifier, or 0 if the request was not sent.
std::uint16_t Endpoint::send_request(std::uint16_t packet_id, const wire::Packet& packet, ByteChain& out) {
  if (packet_id == 0 || write(packet, out)) return packet_id;
  state_->outgoing.end(*state_->outgoing.find(packet_id));
  return 0;
}

DeadlineMs Endpoint::deadline() const {
  switch (phase_) {
    case Phase::closed:
      return kNever;
    case Phase::connected:
      break;
    default:
      return last_received_ms_ + options_.connect_timeout_ms;
  }
  if (keep_alive_s_ == 0) return kNever;
  const std::int64_t keep_alive_ms = std::int64_t{keep_alive_s_} * 1000;
  // [MQTT-3.1.2-22]: one and a half times the keep alive; the client side pings when it was silent for the whole of it.
  return last_received_ms_ + (options_.role == Role::server ? keep_alive_ms + keep_alive_ms / 2 : keep_alive_ms);
}

void Endpoint::reading_resumed(const Now& now) {
  if (phase_ == Phase::connected && options_.role == Role::server) last_received_ms_ = now.mono_ms;
}

Event Endpoint::on_time(const Now& now, ByteChain& out) {
  if (deadline() > now.mono_ms) return NeedMore{};
  if (phase_ != Phase::connected) {
    phase_ = Phase::closed;
    return Failed{{ReasonCode::keep_alive_timeout, "3.1.4", "the handshake did not end in time"}};
  }
  if (options_.role == Role::server) {
    return fail({ReasonCode::keep_alive_timeout, "MQTT-3.1.2-22", "no packet within 1.5 times the keep alive"}, out);
  }
  if (ping_outstanding_) {
    return fail({ReasonCode::keep_alive_timeout, "3.1.2.10", "no PINGRESP within the keep alive"}, out);
  }
  write(wire::Pingreq{}, out);
  ping_outstanding_ = true;
  last_received_ms_ = now.mono_ms;
  return Handled{};
}

}  // namespace martlet::session
