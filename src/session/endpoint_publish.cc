// Messages in both directions and their acknowledgements.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "session/endpoint.h"
#include "wire/encode.h"

namespace martlet::session {

using wire::DecodeError;
using wire::PacketType;
using wire::PropertyId;
using wire::ProtocolVersion;
using wire::QoS;
using wire::ReasonCode;

// ---- receiving

// Limits that we announced, and the topic alias; puts the alias's topic into the packet.
std::optional<DecodeError> Endpoint::check_publish(wire::Publish& publish) {
  if (options_.role == Role::server) {
    if (publish.qos > options_.maximum_qos) {
      return DecodeError{ReasonCode::qos_not_supported, "MQTT-3.2.2-11", "QoS above the announced maximum"};
    }
    if (publish.retain && !options_.retain_available) {
      return DecodeError{ReasonCode::retain_not_supported, "MQTT-3.2.2-14", "retain is not available"};
    }
  }
  const auto alias = publish.properties.number(PropertyId::topic_alias);
  if (!alias) return std::nullopt;
  const auto number = static_cast<std::uint16_t>(*alias);
  if (number == 0 || number > incoming_aliases_.maximum()) {
    return DecodeError{ReasonCode::topic_alias_invalid, "MQTT-3.2.2-17", "topic alias above the announced maximum"};
  }
  if (!publish.topic.empty()) {
    incoming_aliases_.define(number, publish.topic);
    return std::nullopt;
  }
  const auto topic = incoming_aliases_.find(number);
  if (!topic) return DecodeError{ReasonCode::topic_alias_invalid, "MQTT-3.3.2-7", "topic alias was not defined"};
  publish.topic = *topic;
  return std::nullopt;
}

Event Endpoint::on_publish(wire::Publish& publish, ByteChain& out) {
  if (const auto error = check_publish(publish)) return fail(*error, out);
  if (publish.qos == QoS::at_most_once) return PublishReceived{publish};

  Incoming::Entry* known = publish.qos == QoS::exactly_once ? state_->incoming.find(publish.packet_id) : nullptr;
  if (!known || !known->in_window) {
    // 3.x peers were not told a maximum, so they cannot break it.
    if (version_ == ProtocolVersion::v5_0 && received_unfinished_ >= options_.receive_maximum) {
      return fail({ReasonCode::receive_maximum_exceeded, "MQTT-3.3.4-7", "more unfinished messages than announced"},
                  out);
    }
    ++received_unfinished_;
  }
  if (known) {
    // The same message again [MQTT-4.3.3-10]; its PUBREC waits for the same ticket.
    known->in_window = true;
    send_publish_ack(PacketType::pubrec, publish.packet_id, known->stored, ReasonCode::success, {}, out);
    return Handled{};
  }
  return PublishReceived{publish};
}

void Endpoint::publish_done(const wire::Publish& publish, Ticket ticket, ReasonCode reason,
                            std::string_view reason_string, ByteChain& out) {
  if (phase_ != Phase::connected) return;
  if (publish.qos == QoS::at_most_once) {
    if (!ticket.resolved(gate_.durable_position())) gate_.pass(ticket, out, false, [](ByteChain&) {});
    return;
  }
  if (publish.qos == QoS::at_least_once) {
    return send_publish_ack(PacketType::puback, publish.packet_id, ticket, reason, reason_string, out, true);
  }
  // A refusal ends the exchange [MQTT-4.3.3-9]; 3.x has none.
  const bool refused = wire::is_failure(reason) && version_ == ProtocolVersion::v5_0;
  if (!refused) state_->incoming.begin(publish.packet_id, ticket);
  send_publish_ack(PacketType::pubrec, publish.packet_id, ticket, reason, reason_string, out, refused);
}

Event Endpoint::on_pubrel(const wire::PublishAck& ack, ByteChain& out) {
  Incoming::Entry* entry = state_->incoming.find(ack.packet_id);
  if (!entry) {
    send_publish_ack(PacketType::pubcomp, ack.packet_id, Ticket::done(), ReasonCode::packet_identifier_not_found, {},
                     out);
    return Handled{};
  }
  released_in_window_ = entry->in_window;
  state_->incoming.release(ack.packet_id);
  return Released{ack.packet_id};
}

void Endpoint::complete(std::uint16_t packet_id, Ticket ticket, ByteChain& out) {
  send_publish_ack(PacketType::pubcomp, packet_id, ticket, ReasonCode::success, {}, out,
                   std::exchange(released_in_window_, false));
}

void Endpoint::send_publish_ack(PacketType type, std::uint16_t packet_id, Ticket ticket, ReasonCode reason,
                                std::string_view reason_string, ByteChain& out, bool ends_exchange) {
  wire::PublishAck ack{type, packet_id, reason, {}};
  if (version_ == ProtocolVersion::v5_0 && problem_information_ && !reason_string.empty()) {
    wire::PropertyWriter properties;
    properties.add_text(PropertyId::reason_string, reason_string);
    ack.properties = properties.properties();
    if (pass_gate(ticket, ack, out, ends_exchange)) return;
    ack.properties = {};  // [MQTT-3.4.2-2]
  }
  pass_gate(ticket, ack, out, ends_exchange);
}

// ---- acknowledgements of what we sent

Event Endpoint::on_publish_ack(const wire::PublishAck& ack, ByteChain& out) {
  switch (ack.type) {
    case PacketType::puback:
      return on_puback(ack, out);
    case PacketType::pubrec:
      return on_pubrec(ack, out);
    case PacketType::pubrel:
      return on_pubrel(ack, out);
    default:
      return on_pubcomp(ack);
  }
}

Event Endpoint::finish(InFlight& entry, ReasonCode reason) {
  give_window(entry);
  DeliveryFinished finished{std::move(entry.delivery), entry.packet_id, reason};
  state_->outgoing.end(entry);
  return finished;
}

Event Endpoint::on_puback(const wire::PublishAck& ack, ByteChain& out) {
  InFlight* entry = state_->outgoing.find(ack.packet_id);
  // An acknowledgement of something that is over is harmless: it can cross a reconnect.
  if (!entry || entry->state != FlightState::published) return Handled{};
  if (entry->delivery.qos != QoS::at_least_once) {
    return fail({ReasonCode::protocol_error, "MQTT-3.3.4-1", "PUBACK for a QoS 2 message"}, out);
  }
  return finish(*entry, ack.reason);
}

Event Endpoint::on_pubrec(const wire::PublishAck& ack, ByteChain& out) {
  InFlight* entry = state_->outgoing.find(ack.packet_id);
  if (!entry || entry->state == FlightState::request) {
    send_publish_ack(PacketType::pubrel, ack.packet_id, Ticket::done(), ReasonCode::packet_identifier_not_found, {},
                     out);
    return Handled{};
  }
  if (entry->delivery.qos != QoS::exactly_once) {
    return fail({ReasonCode::protocol_error, "MQTT-3.3.4-1", "PUBREC for a QoS 1 message"}, out);
  }
  if (wire::is_failure(ack.reason)) return finish(*entry, ack.reason);
  switch (entry->state) {
    case FlightState::published:
      entry->state = FlightState::received;
      entry->on_wire = true;
      return ReleaseDue{ack.packet_id, entry->delivery.position};
    case FlightState::released:
      send_publish_ack(PacketType::pubrel, ack.packet_id, entry->release, ReasonCode::success, {}, out);
      return Handled{};
    default:
      return Handled{};  // its PUBREL waits for the ticket already
  }
}

void Endpoint::release_sent(std::uint16_t packet_id, Ticket ticket, ByteChain& out) {
  InFlight* entry = state_->outgoing.find(packet_id);
  check(entry && entry->state == FlightState::received, "a PUBREC came for the message that is released");
  entry->state = FlightState::released;
  entry->release = ticket;
  send_publish_ack(PacketType::pubrel, packet_id, ticket, ReasonCode::success, {}, out);
}

Event Endpoint::on_pubcomp(const wire::PublishAck& ack) {
  InFlight* entry = state_->outgoing.find(ack.packet_id);
  if (!entry || entry->state != FlightState::released) return Handled{};
  return finish(*entry, ack.reason);
}

// ---- sending

void Endpoint::take_window(InFlight& entry) {
  entry.in_window = true;
  ++window_used_;
}

void Endpoint::give_window(InFlight& entry) {
  if (entry.in_window) --window_used_;
  entry.in_window = false;
}

bool Endpoint::can_send(QoS qos, const ByteChain& out) const {
  const bool acknowledged = qos != QoS::at_most_once;
  if (phase_ != Phase::connected || connack_held() || !outbox_open(out)) return false;
  return !acknowledged || may_send_new();
}

void Endpoint::deliver(const Delivery& delivery, const Now& now, ByteChain& out, DeliveryObserver& observer) {
  check(state_ != nullptr, "deliveries are handed to an endpoint that has a session");
  if (state_->outgoing.has_waiting(delivery.qos != QoS::at_most_once) || !can_send(delivery.qos, out)) {
    return state_->outgoing.enqueue(delivery, options_.queue, now, observer);
  }
  // Most of what is sent; the count of its message stays as it is.
  if (delivery.qos == QoS::at_most_once && (!delivery.retain || peer_retain_available_)) {
    send_qos0(delivery, now, out, observer);
  } else {
    send_new(delivery, now, out, observer);
  }
}

void Endpoint::send_ahead(Delivery delivery, const Now& now, ByteChain& out, DeliveryObserver& observer) {
  check(can_send(delivery.qos, out), "there is room for a delivery that is sent ahead");
  send_new(std::move(delivery), now, out, observer);
}

bool Endpoint::send_qos0(const Delivery& delivery, const Now& now, ByteChain& out, DeliveryObserver& observer) {
  if (delivery.message->expired(now)) {
    observer.dropped(delivery, DropReason::expired);
    return false;
  }
  const auto dropped = write_publish(delivery, 0, false, Ticket::done(), now, out);
  dropped ? observer.dropped(delivery, *dropped) : observer.sent(delivery);
  return !dropped;
}

bool Endpoint::send_new(Delivery delivery, const Now& now, ByteChain& out, DeliveryObserver& observer) {
  delivery.qos = std::min(delivery.qos, peer_maximum_qos_);     // [MQTT-3.2.2-11]
  delivery.retain = delivery.retain && peer_retain_available_;  // [MQTT-3.2.2-14]
  if (delivery.qos == QoS::at_most_once) return send_qos0(delivery, now, out, observer);
  if (delivery.message->expired(now)) {
    observer.dropped(delivery, DropReason::expired);
    return false;
  }
  const bool dup = state_->outgoing.maybe_sent(delivery);
  InFlight& entry = state_->outgoing.begin(std::move(delivery));
  const Ticket ticket = entry.delivery.qos == QoS::exactly_once
                            ? observer.about_to_send(entry.delivery, entry.packet_id)
                            : Ticket::done();
  if (const auto dropped = write_publish(entry.delivery, entry.packet_id, dup, ticket, now, out)) {
    // As if it had been delivered [MQTT-3.1.2-25].
    observer.dropped(entry.delivery, *dropped);
    state_->outgoing.end(entry);
    return false;
  }
  entry.on_wire = true;
  entry.dup = true;
  take_window(entry);
  observer.sent(entry.delivery);
  return true;
}

void Endpoint::resend(const Now& now, ByteChain& out, DeliveryObserver& observer) {
  while (InFlight* entry = state_->outgoing.next_to_resend()) {
    if (!outbox_open(out)) return;
    if (entry->state != FlightState::published) {
      entry->on_wire = true;
      entry->state = FlightState::released;
      send_publish_ack(PacketType::pubrel, entry->packet_id, entry->release, ReasonCode::success, {}, out);
      continue;
    }
    if (!send_window_open()) return;
    if (!entry->dup && peer_maximum_qos_ == QoS::at_most_once) {
      Delivery delivery = std::move(entry->delivery);
      state_->outgoing.end(*entry);
      send_new(std::move(delivery), now, out, observer);
      continue;
    }
    // The peer knows nothing of it yet, and may be a server that offers less than the last one.
    if (!entry->dup) entry->delivery.qos = std::min(entry->delivery.qos, peer_maximum_qos_);
    if (const auto dropped = write_publish(entry->delivery, entry->packet_id, entry->dup, Ticket::done(), now, out)) {
      observer.dropped(entry->delivery, *dropped);
      state_->outgoing.end(*entry);
      continue;
    }
    entry->on_wire = true;
    entry->dup = true;
    take_window(*entry);
  }
}

void Endpoint::pump(const Now& now, ByteChain& out, DeliveryObserver& observer, bool hold_acknowledged) {
  if (phase_ != Phase::connected || connack_held()) return;
  resend(now, out, observer);
  Outgoing& outgoing = state_->outgoing;
  while (!hold_acknowledged && outgoing.has_waiting(true) && may_send_new() && outbox_open(out) &&
         outgoing.fetch(observer)) {
    send_new(outgoing.take_waiting(true), now, out, observer);
  }
  while (outgoing.has_waiting(false) && outbox_open(out)) send_new(outgoing.take_waiting(false), now, out, observer);
}

std::optional<DropReason> Endpoint::write_publish(const Delivery& delivery, std::uint16_t packet_id, bool dup,
                                                  Ticket ticket, const Now& now, ByteChain& out) {
  const Message& message = *delivery.message;
  wire::PublishParts parts;
  parts.topic = message.topic();
  if (const std::string& prefix = options_.topic_prefix; !prefix.empty()) {
    // A topic name has at least one character [MQTT-4.7.3-1].
    if (parts.topic.size() <= prefix.size() || !parts.topic.starts_with(prefix)) return DropReason::hidden;
    parts.topic.remove_prefix(prefix.size());
  }
  parts.qos = delivery.qos;
  parts.dup = dup;
  parts.retain = delivery.retain;
  parts.packet_id = packet_id;
  parts.payload = message.payload();
  parts.properties = message.properties();
  parts.subscription_identifiers = delivery.identifiers.view();
  if (message.can_expire()) parts.message_expiry_s = message.seconds_left(now);
  // What the receiver allows; a message near the protocol's own limit can outgrow it on its way from 3.x to 5.0.
  const std::size_t most_bytes = peer_max_packet_bytes_ != 0 ? peer_max_packet_bytes_ : wire::kMaxPacketBytes;
  if (peer_max_packet_bytes_ != 0 || message.footprint_bytes() > wire::kMaxPacketBytes / 2) {
    // Measured with its whole topic: an alias makes it smaller, or larger when it is defined, by its own three bytes
    // and at most one in each of the two lengths.
    constexpr std::size_t kAliasBytes = 5;
    const std::size_t size = wire::encoded_size(parts, version_);
    if (size > most_bytes) return DropReason::too_large;
    if (size + kAliasBytes > most_bytes) {
      ++packets_written_;
      wire::encode(parts, version_, out, delivery.message.block());
      return std::nullopt;
    }
  }
  if (!ticket.resolved(gate_.durable_position())) {
    // Later packets overtake it, so it can define no alias that they would use.
    ++packets_written_;
    gate_.pass(ticket, out, false, [&](ByteChain& to) { wire::encode(parts, version_, to, delivery.message.block()); });
    return std::nullopt;
  }
  const OutgoingAliases::Choice choice = outgoing_aliases_.choose(parts.topic);
  parts.topic_alias = choice.alias;
  ++packets_written_;
  if (choice.known) parts.topic = {};
  wire::encode(parts, version_, out, delivery.message.block());
  return std::nullopt;
}

}  // namespace martlet::session
