// PUBLISH and its four acknowledgements.
#include "wire/decoders.h"
#include "wire/property_parser.h"

namespace martlet::wire {
namespace {

constexpr std::uint8_t kRetain = 0x01;
constexpr std::uint8_t kDup = 0x08;

bool decode_flags(Reader& in, const DecodeContext& context, Publish& out) {
  const unsigned qos = (context.flags >> 1) & 3u;
  if (qos == 3) [[unlikely]]
    return in.malformed({"MQTT-3.3.1-4", "QoS 3 does not exist"});
  out.qos = static_cast<QoS>(qos);
  out.retain = (context.flags & kRetain) != 0;
  out.dup = (context.flags & kDup) != 0;
  if (out.dup && out.qos == QoS::at_most_once) [[unlikely]] {
    // 3.1 gives the flag no meaning here and does not forbid it.
    if (context.version != ProtocolVersion::v3_1) return in.malformed({"MQTT-3.3.1-2", "DUP at QoS 0"});
    out.dup = false;
  }
  return true;
}

// A topic may be left out in 5.0 when an alias stands for it.
bool check_topic(Reader& in, const DecodeContext& context, const Publish& publish) {
  if (!publish.topic.empty()) [[likely]]
    return true;
  if (!context.v5()) return in.malformed({"MQTT-4.7.3-1", "topic name is empty"});
  return publish.properties.has(PropertyId::topic_alias) ||
         in.protocol_error({"3.3.2.1", "neither topic name nor topic alias"});
}

const char* reason_clause(PacketType type) {
  switch (type) {
    case PacketType::pubrec:
      return "MQTT-3.5.2-1";
    case PacketType::pubrel:
      return "MQTT-3.6.2-1";
    case PacketType::pubcomp:
      return "MQTT-3.7.2-1";
    default:
      return "MQTT-3.4.2-1";
  }
}

}  // namespace

bool decode_publish(Reader& in, const DecodeContext& context, Publish& out) {
  if (!decode_flags(in, context, out)) return false;
  if (!in.take_text(out.topic, {"MQTT-3.3.2-1", "topic name is missing"})) return false;
  if (has_wildcard(as_bytes(out.topic))) [[unlikely]]
    return in.fail(ReasonCode::topic_name_invalid, {"MQTT-3.3.2-2", "topic name holds a wildcard"});
  if (out.qos != QoS::at_most_once && !take_packet_id(in, out.packet_id)) return false;
  if (context.v5()) {
    const std::uint32_t packet = packet_bit(PacketType::publish);
    if (!PropertyParser::parse(in, packet, context.sender, out.properties)) return false;
  }
  if (!check_topic(in, context, out)) return false;
  out.payload = in.take_rest();
  return true;
}

bool decode_publish_ack(Reader& in, const DecodeContext& context, PublishAck& out) {
  if (!take_packet_id(in, out.packet_id)) return false;
  if (!context.v5() || in.empty()) return in.finish();
  if (!take_reason(in, out.type, context.sender, reason_clause(out.type), out.reason)) return false;
  // Without a property length there are no properties [3.4.2.2.1].
  if (in.empty()) return true;
  return PropertyParser::parse(in, packet_bit(out.type), context.sender, out.properties) && in.finish();
}

}  // namespace martlet::wire
