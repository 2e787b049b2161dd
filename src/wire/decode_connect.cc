#include "wire/decoders.h"
#include "wire/property_parser.h"

namespace martlet::wire {
namespace {

constexpr std::uint8_t kReservedFlag = 0x01;
constexpr std::uint8_t kCleanStart = 0x02;
constexpr std::uint8_t kWillFlag = 0x04;
constexpr std::uint8_t kWillRetain = 0x20;
constexpr std::uint8_t kPasswordFlag = 0x40;
constexpr std::uint8_t kUsernameFlag = 0x80;

unsigned will_qos(std::uint8_t flags) {
  return (flags >> 3) & 3u;
}

bool decode_version(Reader& in, ProtocolVersion& version) {
  ByteView name;
  std::uint8_t level = 0;
  if (!in.take_binary(name, {"MQTT-3.1.2-1", "protocol name is missing"})) return false;
  const bool is_mqtt = as_text(name) == "MQTT";
  const bool is_old = as_text(name) == "MQIsdp";
  if (!is_mqtt && !is_old)
    return in.fail(ReasonCode::unsupported_protocol_version, {"MQTT-3.1.2-1", "unknown protocol name"});
  if (!in.take_u8(level, {"MQTT-3.1.2-2", "protocol version is missing"})) return false;
  // An answer to an unknown level is best understood in the nearest known one.
  version = is_old ? ProtocolVersion::v3_1 : level <= 4 ? ProtocolVersion::v3_1_1 : ProtocolVersion::v5_0;
  if (level == static_cast<std::uint8_t>(version)) return true;
  return in.fail(ReasonCode::unsupported_protocol_version, {"MQTT-3.1.2-2", "unknown protocol version"});
}

bool check_flags(Reader& in, std::uint8_t flags, ProtocolVersion version) {
  const bool has_will = (flags & kWillFlag) != 0;
  if (has_will && will_qos(flags) == 3) return in.malformed({"MQTT-3.1.2-12", "will QoS is 3"});
  // 3.1 disregards the reserved bit, and the will's flags when there is no will.
  if (version == ProtocolVersion::v3_1) {
    if ((flags & kPasswordFlag) != 0 && (flags & kUsernameFlag) == 0)
      return in.protocol_error({"3.1 (3.1)", "password without user name"});
    return true;
  }
  if ((flags & kReservedFlag) != 0) return in.malformed({"MQTT-3.1.2-3", "reserved CONNECT flag is set"});
  if (!has_will && will_qos(flags) != 0) return in.protocol_error({"MQTT-3.1.2-11", "will QoS without a will"});
  if (!has_will && (flags & kWillRetain) != 0)
    return in.protocol_error({"MQTT-3.1.2-13", "will retain without a will"});
  if (version == ProtocolVersion::v3_1_1 && (flags & kPasswordFlag) != 0 && (flags & kUsernameFlag) == 0)
    return in.protocol_error({"MQTT-3.1.2-22 (3.1.1)", "password without user name"});
  return true;
}

bool decode_will(Reader& in, std::uint8_t flags, ProtocolVersion version, Will& will) {
  constexpr Field kMissing{"MQTT-3.1.2-9", "will field is missing"};
  will.qos = static_cast<QoS>(will_qos(flags));
  will.retain = (flags & kWillRetain) != 0;
  if (version == ProtocolVersion::v5_0 && !PropertyParser::parse(in, kWillBit, Sender::client, will.properties))
    return false;
  if (!in.take_text(will.topic, kMissing)) return false;
  if (will.topic.empty()) return in.fail(ReasonCode::topic_name_invalid, {"MQTT-4.7.3-1", "will topic is empty"});
  if (has_wildcard(as_bytes(will.topic)))
    return in.fail(ReasonCode::topic_name_invalid, {"MQTT-4.7.1-1", "will topic holds a wildcard"});
  return in.take_binary(will.payload, kMissing);
}

// 3.1 lets the packet end before the fields that its flags announce.
bool is_left_out(const Reader& in, ProtocolVersion version) {
  return version == ProtocolVersion::v3_1 && in.empty();
}

bool decode_credentials(Reader& in, std::uint8_t flags, Connect& out) {
  if ((flags & kUsernameFlag) != 0 && !is_left_out(in, out.version)) {
    if (!in.take_text(out.username.emplace(), {"MQTT-3.1.2-17", "user name is missing"})) return false;
  }
  if ((flags & kPasswordFlag) != 0 && !is_left_out(in, out.version)) {
    if (!in.take_binary(out.password.emplace(), {"MQTT-3.1.2-19", "password is missing"})) return false;
  }
  const char* clause = "2.1.4";
  if ((flags & kUsernameFlag) == 0)
    clause = "MQTT-3.1.2-16";
  else if ((flags & kPasswordFlag) == 0)
    clause = "MQTT-3.1.2-18";
  return in.finish({clause, "bytes after the last field"});
}

}  // namespace

bool decode_connect(Reader& in, ProtocolVersion& version, Connect& out) {
  if (!decode_version(in, version)) return false;
  out.version = version;
  std::uint8_t flags = 0;
  if (!in.take_u8(flags, {"3.1.2.3", "CONNECT flags are missing"}) || !check_flags(in, flags, version)) return false;
  out.clean_start = (flags & kCleanStart) != 0;
  if (!in.take_u16(out.keep_alive_s, {"3.1.2.10", "keep alive is missing"})) return false;
  if (version == ProtocolVersion::v5_0) {
    const std::uint32_t packet = packet_bit(PacketType::connect);
    if (!PropertyParser::parse(in, packet, Sender::client, out.properties)) return false;
    if (!check_authentication(in, out.properties)) return false;
  }
  if (!in.take_text(out.client_id, {"MQTT-3.1.3-3", "client identifier is missing"})) return false;
  if ((flags & kWillFlag) != 0 && !decode_will(in, flags, version, out.will.emplace())) return false;
  return decode_credentials(in, flags, out);
}

}  // namespace martlet::wire
