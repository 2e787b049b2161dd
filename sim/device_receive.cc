// What comes to a device.
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "sim/device.h"
#include "wire/decode.h"

namespace martlet::sim {

using wire::PacketType;
using wire::PropertyId;
using wire::QoS;
using wire::ReasonCode;

namespace {

constexpr std::uint32_t kWindow = 6;

}  // namespace

void Device::on_network() {
  push();
  if (!link_ || world_.oracle.step() < reads_again_) return;
  if (phase_ != Phase::leaving) read();
  if (!link_) return;
  if (phase_ == Phase::leaving) world_.network.take(*link_, world_.network.arrived(*link_).size());
  if (world_.network.ended(*link_)) lost();
}

void Device::read() {
  const env::sim::LinkId link = *link_;
  ByteView input = world_.network.arrived(link);
  const std::size_t size = input.size();
  wire::Frame frame;
  while (link_ && phase_ != Phase::leaving) {
    const wire::FrameStatus status = framer_.next(input, frame);
    if (status == wire::FrameStatus::need_more) break;
    if (status != wire::FrameStatus::frame) return violated("the broker's bytes are no packets");
    const auto packet = wire::decode(frame.first_byte, frame.body, settings_.version, wire::Sender::server);
    if (!packet) return violated(fmt::format("a broken packet came: {}", packet.error().what));
    on_packet(*packet);
  }
  if (link_ == link) world_.network.take(link, size);
  if (phase_ == Phase::connected && (settling_ || world_.chance(settings_.shares_much ? 15 : 60)))
    send_acknowledgements();
}

void Device::on_packet(const wire::Packet& packet) {
  if (const auto* connack = std::get_if<wire::Connack>(&packet)) return on_connack(*connack);
  if (const auto* disconnect = std::get_if<wire::Disconnect>(&packet)) {
    world_.trace.add(static_cast<int>(number_), "got DISCONNECT", static_cast<std::uint64_t>(disconnect->reason));
    // Only a CONNECT of its own that was overtaken can have done that; it may have been a clean start.
    must_clean_ |= disconnect->reason == ReasonCode::session_taken_over;
    return leave_link();
  }
  if (phase_ != Phase::connected) return violated("a packet came before CONNACK");
  if (const auto* publish = std::get_if<wire::Publish>(&packet)) return on_publish(*publish);
  if (const auto* ack = std::get_if<wire::PublishAck>(&packet)) return on_ack(*ack);
  if (const auto* answer = std::get_if<wire::FilterAck>(&packet)) return on_answer(*answer);
}

// ---- the session

void Device::check_session(bool present) {
  if (asked_clean_) {
    if (present) violated("a session is present after a clean start");
    return;
  }
  if (!settings_.persistent() && present) violated("a session is present that ended with its connection");
  const bool lives = world_.oracle.now_ms() < ended_ms_ + std::int64_t{settings_.expiry_s} * 1'000;
  if (session_ == Session::certain && lives && !present) violated("the session is not present");
}

void Device::on_connack(const wire::Connack& connack) {
  world_.trace.add(static_cast<int>(number_), "got CONNACK", static_cast<std::uint64_t>(connack.reason),
                   connack.session_present);
  if (phase_ != Phase::connecting) return violated("a second CONNACK");
  if (connack.reason != ReasonCode::success) return violated("the connection was refused");
  check_session(connack.session_present);
  // The session may have expired, and the one that is present may be new, made for a CONNECT that got no answer.
  const bool expired = world_.oracle.now_ms() >= ended_ms_ + std::int64_t{settings_.expiry_s} * 1'000;
  if (std::exchange(unanswered_, false) && connack.session_present && session_ == Session::certain && expired) {
    must_clean_ = true;
    return leave_link();
  }
  if (!connack.session_present) forget_session();
  for (const MessageId id : std::exchange(given_up_, {})) world_.oracle.settled(id);
  phase_ = Phase::connected;
  must_clean_ = false;
  session_ = Session::certain;
  ended_ms_ = world_.oracle.now_ms();
  world_.oracle.session_resumed(number_, keeps_session_);
  world_.wills.connected(number_, connack.session_present);
  window_ = std::min(kWindow, connack.properties.number_or(PropertyId::receive_maximum, 65'535));
  resume();
}

// ---- messages

std::optional<TopicId> Device::topic_of(const wire::Publish& publish) {
  std::string_view name = publish.topic;
  if (const auto alias = publish.properties.number(PropertyId::topic_alias)) {
    if (*alias == 0 || *alias >= aliases_.size()) return std::nullopt;
    if (!name.empty()) aliases_[*alias] = name;
    name = aliases_[*alias];
  }
  const auto* const at = std::find(kTopics.begin(), kTopics.end(), name);
  if (at == kTopics.end()) return std::nullopt;
  return static_cast<TopicId>(at - kTopics.begin());
}

void Device::check_identifiers(const wire::Publish& publish, TopicId topic) {
  publish.properties.for_each([&](const wire::Property& property) {
    if (property.id != PropertyId::subscription_identifier) return;
    const auto filter = static_cast<FilterId>(property.number - 1);
    if (filter >= kFilterCount || !matches(filter, topic) || !world_.oracle.possible(number_, filter)) {
      violated(fmt::format("subscription identifier {} for topic {}", property.number, kTopics[topic]));
    }
  });
}

// Against the receive maximum [MQTT-3.3.4-9]; an identifier counts once on each connection.
void Device::count_in(std::uint16_t packet_id) {
  if (std::find(unfinished_.begin(), unfinished_.end(), packet_id) != unfinished_.end()) return;
  unfinished_.push_back(packet_id);
  if (settings_.receive_maximum != 0 && unfinished_.size() > settings_.receive_maximum) {
    violated("more messages than the receive maximum allows");
  }
}

void Device::count_out(std::uint16_t packet_id) {
  std::erase(unfinished_, packet_id);
}

void Device::on_publish(const wire::Publish& publish) {
  const auto topic = topic_of(publish);
  if (!topic) return violated("a message came with a topic or alias that nobody used");
  const auto message = read_payload(publish.payload, world_.oracle.messages());
  if (!message && !publish.payload.empty()) return violated("a message came with a damaged payload");
  world_.trace.add(static_cast<int>(number_), publish.dup ? "got PUBLISH again" : "got PUBLISH",
                   message.value_or(9'999'999), publish.packet_id, static_cast<std::uint64_t>(publish.qos));
  check_identifiers(publish, *topic);
  if (publish.qos == QoS::at_most_once) return hand_to_application(publish, message, *topic);
  count_in(publish.packet_id);
  if (publish.qos == QoS::at_least_once) {
    hand_to_application(publish, message, *topic);
    acknowledgements_.push_back({PacketType::puback, publish.packet_id, ReasonCode::success, {}});
    return;
  }
  const auto known = std::find_if(incoming_.begin(), incoming_.end(),
                                  [&](const Incoming& each) { return each.packet_id == publish.packet_id; });
  if (known == incoming_.end()) {
    incoming_.push_back({publish.packet_id, message});
    hand_to_application(publish, message, *topic);
  } else if (known->message != message) {
    violated(fmt::format("packet identifier {} carries message {}, and {} was not released", publish.packet_id,
                         message.value_or(0), known->message.value_or(0)));
  }
  acknowledgements_.push_back({PacketType::pubrec, publish.packet_id, ReasonCode::success, {}});
}

void Device::hand_to_application(const wire::Publish& publish, std::optional<MessageId> message, TopicId topic) {
  if (!message) return;
  if (world_.oracle.messages()[*message].will) world_.wills.received(*message);
  world_.oracle.received(number_, {*message, topic, publish.qos, publish.retain});
}

// ---- answers

void Device::on_ack(const wire::PublishAck& ack) {
  world_.trace.add(static_cast<int>(number_), wire::packet_name(ack.type), ack.packet_id,
                   static_cast<std::uint64_t>(ack.reason), 1);
  if (ack.type == PacketType::pubrel) {
    std::erase_if(incoming_, [&](const Incoming& each) { return each.packet_id == ack.packet_id; });
    acknowledgements_.push_back({PacketType::pubcomp, ack.packet_id, ReasonCode::success, {}});
    return;
  }
  const auto exchange = std::find_if(outgoing_.begin(), outgoing_.end(),
                                     [&](const Exchange& each) { return each.packet_id == ack.packet_id; });
  if (exchange == outgoing_.end()) return violated(fmt::format("an answer to no message, {}", ack.packet_id));
  const Message& message = world_.oracle.messages()[exchange->message];
  const bool fits =
      ack.type == PacketType::puback ? message.qos == QoS::at_least_once : message.qos == QoS::exactly_once;
  if (!fits) return violated("an answer that does not fit the QoS");
  const bool refused = wire::is_failure(ack.reason);
  switch (ack.type) {
    case PacketType::puback:
    case PacketType::pubrec:
      refused ? world_.oracle.refused(exchange->message) : world_.oracle.acknowledged(exchange->message);
      if (refused || ack.type == PacketType::puback) {
        outgoing_.erase(exchange);
      } else {
        exchange->progress = Progress::released;
        acknowledgements_.push_back({PacketType::pubrel, ack.packet_id, ReasonCode::success, {}});
      }
      return;
    default:
      if (exchange->progress != Progress::released) return violated("PUBCOMP came before PUBREC");
      outgoing_.erase(exchange);
  }
}

void Device::on_answer(const wire::FilterAck& answer) {
  if (!request_ || request_->packet_id != answer.packet_id) return violated("an answer to no request");
  const FilterId filter = request_->filter;
  world_.trace.add(static_cast<int>(number_), wire::packet_name(answer.type), filter,
                   answer.reasons.empty() ? 0 : answer.reasons[0]);
  if (request_->subscribes != (answer.type == PacketType::suback)) return violated("an answer of the wrong type");
  if (request_->subscribes) {
    if (answer.reasons.size() != 1 || answer.reasons[0] > 2) return violated("a subscription was refused");
    world_.oracle.subscribe_answered(number_, filter, static_cast<QoS>(answer.reasons[0]));
  }
  request_.reset();
}

}  // namespace martlet::sim
