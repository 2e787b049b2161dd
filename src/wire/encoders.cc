#include "wire/encoders.h"

namespace martlet::wire {
namespace {

bool is_v5(ProtocolVersion version) {
  return version == ProtocolVersion::v5_0;
}

std::size_t section_size(const Properties& properties) {
  const std::size_t size = properties.raw().size();
  return varint_size(size) + size;
}

void write_section(Writer& out, const Properties& properties) {
  out.put_varint(properties.raw().size());
  out.put_bytes(properties.raw());
}

std::string_view protocol_name(ProtocolVersion version) {
  return version == ProtocolVersion::v3_1 ? "MQIsdp" : "MQTT";
}

std::uint8_t connect_flags(const Connect& connect) {
  unsigned flags = 0;
  if (connect.username) flags |= 0x80;
  if (connect.password) flags |= 0x40;
  if (connect.will) {
    if (connect.will->retain) flags |= 0x20;
    flags |= static_cast<unsigned>(connect.will->qos) << 3 | 0x04;
  }
  if (connect.clean_start) flags |= 0x02;
  return static_cast<std::uint8_t>(flags);
}

std::size_t sized(std::size_t bytes) {
  return 2 + bytes;
}

// 3.x knows the requested QoS only; the list may come from a 5.0 writer.
void write_filters(Writer& out, const FilterList& filters, bool with_options, bool v5) {
  if (v5 || !with_options) return out.put_bytes(filters.raw());
  filters.for_each([&](const FilterEntry& entry) {
    out.put_text(entry.filter);
    out.put_u8(static_cast<std::uint8_t>(entry.options.qos));
  });
}

bool is_plain_success(ReasonCode reason, const Properties& properties) {
  return reason == ReasonCode::success && properties.empty();
}

}  // namespace

std::size_t body_size_of(const Connect& packet, bool) {
  const bool v5 = is_v5(packet.version);
  std::size_t size = sized(protocol_name(packet.version).size()) + 1 + 1 + 2 + sized(packet.client_id.size());
  if (v5) size += section_size(packet.properties);
  if (packet.will) {
    size += sized(packet.will->topic.size()) + sized(packet.will->payload.size());
    if (v5) size += section_size(packet.will->properties);
  }
  if (packet.username) size += sized(packet.username->size());
  if (packet.password) size += sized(packet.password->size());
  return size;
}

void write_body(Writer& out, const Connect& packet, ProtocolVersion) {
  const bool v5 = is_v5(packet.version);
  out.put_text(protocol_name(packet.version));
  out.put_u8(static_cast<std::uint8_t>(packet.version));
  out.put_u8(connect_flags(packet));
  out.put_u16(packet.keep_alive_s);
  if (v5) write_section(out, packet.properties);
  out.put_text(packet.client_id);
  if (packet.will) {
    if (v5) write_section(out, packet.will->properties);
    out.put_text(packet.will->topic);
    out.put_binary(packet.will->payload);
  }
  if (packet.username) out.put_text(*packet.username);
  if (packet.password) out.put_binary(*packet.password);
}

std::size_t body_size_of(const Connack& packet, bool v5) {
  return 2 + (v5 ? section_size(packet.properties) : 0);
}

void write_body(Writer& out, const Connack& packet, ProtocolVersion version) {
  // 3.1 has no session present flag.
  out.put_u8(packet.session_present && version != ProtocolVersion::v3_1 ? 1 : 0);
  if (!is_v5(version)) return out.put_u8(connack_code_v3(packet.reason));
  out.put_u8(static_cast<std::uint8_t>(packet.reason));
  write_section(out, packet.properties);
}

std::size_t body_size_of(const PublishAck& packet, bool v5) {
  if (!v5 || is_plain_success(packet.reason, packet.properties)) return 2;
  return packet.properties.empty() ? 3 : 3 + section_size(packet.properties);
}

void write_body(Writer& out, const PublishAck& packet, ProtocolVersion version) {
  out.put_u16(packet.packet_id);
  if (!is_v5(version) || is_plain_success(packet.reason, packet.properties)) return;
  out.put_u8(static_cast<std::uint8_t>(packet.reason));
  if (!packet.properties.empty()) write_section(out, packet.properties);
}

std::size_t body_size_of(const Subscribe& packet, bool v5) {
  return 2 + (v5 ? section_size(packet.properties) : 0) + packet.filters.raw().size();
}

void write_body(Writer& out, const Subscribe& packet, ProtocolVersion version) {
  out.put_u16(packet.packet_id);
  if (is_v5(version)) write_section(out, packet.properties);
  write_filters(out, packet.filters, true, is_v5(version));
}

std::size_t body_size_of(const Unsubscribe& packet, bool v5) {
  return 2 + (v5 ? section_size(packet.properties) : 0) + packet.filters.raw().size();
}

void write_body(Writer& out, const Unsubscribe& packet, ProtocolVersion version) {
  out.put_u16(packet.packet_id);
  if (is_v5(version)) write_section(out, packet.properties);
  write_filters(out, packet.filters, false, is_v5(version));
}

std::size_t body_size_of(const FilterAck& packet, bool v5) {
  if (v5) return 2 + section_size(packet.properties) + packet.reasons.size();
  return packet.type == PacketType::suback ? 2 + packet.reasons.size() : 2;
}

void write_body(Writer& out, const FilterAck& packet, ProtocolVersion version) {
  out.put_u16(packet.packet_id);
  if (is_v5(version)) {
    write_section(out, packet.properties);
    return out.put_bytes(packet.reasons);
  }
  if (packet.type == PacketType::unsuback) return;
  for (const std::uint8_t code : packet.reasons) out.put_u8(is_failure(static_cast<ReasonCode>(code)) ? 0x80 : code);
}

std::size_t body_size_of(const Disconnect& packet, bool v5) {
  if (!v5 || is_plain_success(packet.reason, packet.properties)) return 0;
  return packet.properties.empty() ? 1 : 1 + section_size(packet.properties);
}

void write_body(Writer& out, const Disconnect& packet, ProtocolVersion version) {
  if (!is_v5(version) || is_plain_success(packet.reason, packet.properties)) return;
  out.put_u8(static_cast<std::uint8_t>(packet.reason));
  if (!packet.properties.empty()) write_section(out, packet.properties);
}

std::size_t body_size_of(const Auth& packet, bool) {
  return is_plain_success(packet.reason, packet.properties) ? 0 : 1 + section_size(packet.properties);
}

void write_body(Writer& out, const Auth& packet, ProtocolVersion) {
  if (is_plain_success(packet.reason, packet.properties)) return;
  out.put_u8(static_cast<std::uint8_t>(packet.reason));
  write_section(out, packet.properties);
}

}  // namespace martlet::wire
