#include "wire/packet.h"

#include "base/check.h"
#include "wire/writer.h"

namespace martlet::wire {

std::uint8_t SubscriptionOptions::to_byte() const {
  return static_cast<std::uint8_t>(static_cast<unsigned>(qos) | (no_local ? 0x04u : 0u) |
                                   (retain_as_published ? 0x08u : 0u) | (retain_handling & 3u) << 4);
}

SubscriptionOptions SubscriptionOptions::from_byte(std::uint8_t byte) {
  SubscriptionOptions options;
  options.qos = static_cast<QoS>(byte & 3);
  options.no_local = (byte & 0x04) != 0;
  options.retain_as_published = (byte & 0x08) != 0;
  options.retain_handling = (byte >> 4) & 3;
  return options;
}

std::size_t FilterList::count() const {
  std::size_t filters = 0;
  for_each([&](const FilterEntry&) { ++filters; });
  return filters;
}

FilterEntry FilterList::take_entry(ByteView& rest, bool with_options) {
  check(rest.size() >= 2, "filter bytes were validated");
  const std::size_t length = static_cast<std::size_t>(rest[0] << 8 | rest[1]);
  const std::size_t whole = 2 + length + (with_options ? 1 : 0);
  check(whole <= rest.size(), "filter bytes were validated");
  FilterEntry entry;
  entry.filter = as_text(rest.subspan(2, length));
  if (with_options) entry.options = SubscriptionOptions::from_byte(rest[whole - 1]);
  rest = rest.subspan(whole);
  return entry;
}

void FilterListWriter::add(const FilterEntry& entry) {
  const std::size_t start = bytes_.size();
  bytes_.resize(start + 2 + entry.filter.size() + (with_options_ ? 1 : 0));
  Writer out(bytes_.data() + start);
  out.put_text(entry.filter);
  if (with_options_) out.put_u8(entry.options.to_byte());
}

PacketType type_of(const Packet& packet) {
  struct Visitor {
    PacketType operator()(const Connect&) const { return PacketType::connect; }
    PacketType operator()(const Connack&) const { return PacketType::connack; }
    PacketType operator()(const Publish&) const { return PacketType::publish; }
    PacketType operator()(const PublishAck& ack) const { return ack.type; }
    PacketType operator()(const Subscribe&) const { return PacketType::subscribe; }
    PacketType operator()(const FilterAck& ack) const { return ack.type; }
    PacketType operator()(const Unsubscribe&) const { return PacketType::unsubscribe; }
    PacketType operator()(const Pingreq&) const { return PacketType::pingreq; }
    PacketType operator()(const Pingresp&) const { return PacketType::pingresp; }
    PacketType operator()(const Disconnect&) const { return PacketType::disconnect; }
    PacketType operator()(const Auth&) const { return PacketType::auth; }
  };
  return std::visit(Visitor{}, packet);
}

}  // namespace martlet::wire
