// CONNACK, DISCONNECT and AUTH.
#include "wire/decoders.h"
#include "wire/property_parser.h"

namespace martlet::wire {
namespace {

constexpr std::uint8_t kSessionPresent = 0x01;
constexpr std::uint8_t kLastCodeV3 = 5;

bool take_connack_reason(Reader& in, const DecodeContext& context, ReasonCode& out) {
  if (context.v5()) return take_reason(in, PacketType::connack, context.sender, "MQTT-3.2.2-8", out);
  std::uint8_t code = 0;
  if (!in.take_u8(code, {"3.2.2.3", "return code is missing"})) return false;
  if (code > kLastCodeV3) return in.protocol_error({"3.2.2.3", "return code is reserved"});
  out = connack_reason_from_v3(code);
  return true;
}

// Both parts may be left out at the end: no reason means success, no property length means no properties.
bool take_optional_parts(Reader& in, const DecodeContext& context, PacketType type, const char* clause,
                         ReasonCode& reason, Properties& properties) {
  if (in.empty()) {
    // What is left out must be as legal as if it were written.
    return legal_in(reason, type, context.sender) || in.protocol_error({clause, "reason code is not for this packet"});
  }
  if (!take_reason(in, type, context.sender, clause, reason)) return false;
  if (in.empty()) return true;
  return PropertyParser::parse(in, packet_bit(type), context.sender, properties) && in.finish();
}

}  // namespace

bool decode_connack(Reader& in, const DecodeContext& context, Connack& out) {
  std::uint8_t flags = 0;
  if (!in.take_u8(flags, {"3.2.2.1", "acknowledge flags are missing"})) return false;
  if (!take_connack_reason(in, context, out.reason)) return false;
  // In 3.1 the first byte is reserved and without meaning.
  if (context.version != ProtocolVersion::v3_1) {
    if ((flags & ~kSessionPresent) != 0) return in.malformed({"MQTT-3.2.2-1", "reserved acknowledge flags"});
    out.session_present = (flags & kSessionPresent) != 0;
    if (out.session_present && out.reason != ReasonCode::success)
      return in.protocol_error({"MQTT-3.2.2-6", "session present in a refusal"});
  }
  if (!context.v5()) return in.finish();
  const std::uint32_t packet = packet_bit(PacketType::connack);
  return PropertyParser::parse(in, packet, context.sender, out.properties) &&
         check_authentication(in, out.properties) && in.finish();
}

bool decode_disconnect(Reader& in, const DecodeContext& context, Disconnect& out) {
  if (context.v5())
    return take_optional_parts(in, context, PacketType::disconnect, "MQTT-3.14.2-1", out.reason, out.properties);
  if (context.sender == Sender::server) return in.protocol_error({"2.2.1 (3.1.1)", "a 3.x server sends no DISCONNECT"});
  return in.finish();
}

bool decode_auth(Reader& in, const DecodeContext& context, Auth& out) {
  if (!take_optional_parts(in, context, PacketType::auth, "MQTT-3.15.2-1", out.reason, out.properties)) return false;
  if (out.properties.has(PropertyId::authentication_method)) return true;
  // Success without any property has a short form [3.15.2.1]; all else names the method [3.15.2.2.2].
  if (out.reason == ReasonCode::success && out.properties.empty()) return true;
  return in.protocol_error({"3.15.2.2.2", "authentication method is missing"});
}

}  // namespace martlet::wire
