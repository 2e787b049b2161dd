// What a device sends.
#include <algorithm>

#include "sim/device.h"
#include "wire/encode.h"

namespace martlet::sim {

using wire::PacketType;
using wire::PropertyId;
using wire::QoS;
using wire::ReasonCode;

namespace {

// Few identifiers, so that they are soon used again.
constexpr std::uint16_t kPacketIds = 16;
constexpr std::size_t kWindow = 6;
constexpr std::size_t kMostUnsentBytes = 4'000;

}  // namespace

std::uint16_t Device::next_packet_id() {
  const auto taken = [this](std::uint16_t id) {
    return (request_ && request_->packet_id == id) ||
           std::any_of(outgoing_.begin(), outgoing_.end(), [id](const Exchange& each) { return each.packet_id == id; });
  };
  do {
    last_packet_id_ = static_cast<std::uint16_t>(last_packet_id_ % kPacketIds + 1);
  } while (taken(last_packet_id_));
  return last_packet_id_;
}

void Device::publish() {
  if (unsent_.size() > kMostUnsentBytes) return;
  Random& random = world_.random;
  Message message;
  message.publisher = static_cast<std::uint8_t>(number_);
  message.topic = static_cast<TopicId>(random.below(kTopicCount));
  const std::uint64_t qos = random.below(10);
  message.qos = qos < 2 ? QoS::at_most_once : qos < 6 ? QoS::at_least_once : QoS::exactly_once;
  if (message.qos != QoS::at_most_once && outgoing_.size() >= window_) return;
  message.retain = random.below(10) == 0;
  message.erases = message.retain && random.below(5) == 0;
  message.size_bytes =
      static_cast<std::uint16_t>(kLeastPayloadBytes + random.below(random.below(20) == 0 ? 1'000 : 40));
  if (settings_.v5() && !message.retain && random.below(12) == 0) {
    message.expires_ms = world_.oracle.now_ms() + static_cast<std::int64_t>(1 + random.below(20)) * 1'000;
  }
  const MessageId id = world_.oracle.publish(message);
  Exchange exchange{0, id, Progress::published};
  if (message.qos != QoS::at_most_once) {
    exchange.packet_id = next_packet_id();
    outgoing_.push_back(exchange);
  }
  write_publish(exchange, false);
}

void Device::write_publish(const Exchange& exchange, bool dup) {
  const Message& message = world_.oracle.messages()[exchange.message];
  wire::PublishParts parts;
  parts.topic = kTopics[message.topic];
  parts.qos = message.qos;
  parts.dup = dup;
  parts.retain = message.retain;
  parts.packet_id = exchange.packet_id;
  payload_.clear();
  if (!message.erases) write_payload(exchange.message, message.size_bytes, payload_);
  parts.payload = payload_;
  if (message.expires_ms != kNever) {
    const std::int64_t left_ms = message.expires_ms - world_.oracle.now_ms();
    parts.message_expiry_s = static_cast<std::uint32_t>(std::max<std::int64_t>((left_ms + 999) / 1'000, 1));
  }
  world_.trace.add(static_cast<int>(number_), dup ? "PUBLISH again" : "PUBLISH", exchange.message, exchange.packet_id,
                   static_cast<std::uint64_t>(message.qos));
  wire::encode(parts, settings_.version, scratch_);
  push();
}

void Device::subscribe() {
  if (request_) return;
  Random& random = world_.random;
  const std::size_t filters = settings_.may_share ? kFilterCount : std::size_t{kFirstShared};
  const bool only_shared = settings_.shares_much && random.below(8) != 0;
  const auto filter = static_cast<FilterId>(only_shared ? kFirstShared + random.below(kGroups) : random.below(filters));
  const bool shared = kFilters[filter].group != 0;
  wire::SubscriptionOptions options;
  options.qos = static_cast<QoS>(shared ? 1 + random.below(2) : random.below(8) == 0 ? 0 : 1 + random.below(2));
  if (settings_.v5()) {
    options.no_local = !shared && random.below(6) == 0;
    options.retain_as_published = random.below(2) == 0;
    options.retain_handling = static_cast<std::uint8_t>(random.below(3));
  }
  write_subscribe(filter, options, settings_.v5() && random.below(2) == 0);
}

void Device::write_subscribe(FilterId filter, wire::SubscriptionOptions options, bool with_identifier) {
  wire::FilterListWriter filters(true);
  filters.add({kFilters[filter].filter, options});
  wire::PropertyWriter properties;
  if (with_identifier) properties.add_number(PropertyId::subscription_identifier, filter + 1u);
  request_ = Request{next_packet_id(), filter, true};
  world_.oracle.subscribe_sent(number_, filter, options.qos, options.no_local);
  world_.trace.add(static_cast<int>(number_), "SUBSCRIBE", filter, static_cast<std::uint64_t>(options.qos),
                   request_->packet_id);
  write(wire::Subscribe{request_->packet_id, properties.properties(), filters.list()});
}

void Device::unsubscribe() {
  if (request_) return;
  const auto filter = static_cast<FilterId>(world_.random.below(kFilterCount));
  if (!world_.oracle.possible(number_, filter)) return;
  wire::FilterListWriter filters(false);
  filters.add({kFilters[filter].filter, {}});
  request_ = Request{next_packet_id(), filter, false};
  world_.oracle.unsubscribe_sent(number_, filter);
  world_.trace.add(static_cast<int>(number_), "UNSUBSCRIBE", filter, request_->packet_id);
  write(wire::Unsubscribe{request_->packet_id, {}, filters.list()});
}

// ---- acknowledgements

void Device::send_acknowledgements() {
  if (phase_ != Phase::connected) return;
  for (const wire::PublishAck& ack : acknowledgements_) {
    if (ack.type == PacketType::puback || ack.type == PacketType::pubcomp) count_out(ack.packet_id);
    world_.trace.add(static_cast<int>(number_), wire::packet_name(ack.type), ack.packet_id);
    wire::encode(ack, settings_.version, scratch_);
  }
  acknowledgements_.clear();
  push();
}

// A new connection to an old session: everything unfinished is sent again, in its order [MQTT-4.4.0-1].
void Device::resume() {
  for (const Exchange& exchange : outgoing_) {
    if (exchange.progress == Progress::published) {
      world_.oracle.sent_again(exchange.message);
      write_publish(exchange, true);
    } else {
      write(wire::PublishAck{PacketType::pubrel, exchange.packet_id, ReasonCode::success, {}});
    }
  }
}

// ---- bytes

void Device::write(const wire::Packet& packet) {
  wire::encode(packet, settings_.version, scratch_);
  push();
}

void Device::push() {
  while (!scratch_.empty()) {
    ByteView view;
    scratch_.front(&view, 1);
    unsent_.insert(unsent_.end(), view.begin(), view.end());
    scratch_.consume(view.size());
  }
  if (!link_ || unsent_.empty()) return;
  const std::size_t sent = world_.network.send(*link_, unsent_);
  unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(sent));
}

}  // namespace martlet::sim
