#include "wire/encode.h"

#include "base/check.h"
#include "wire/encoders.h"
#include "wire/writer.h"

namespace martlet::wire {
namespace {

std::size_t whole_size(std::size_t body_bytes) {
  return 1 + varint_size(body_bytes) + body_bytes;
}

// Appends the fixed header and leaves the rest to `write`; `shared_bytes` of the body follow without being copied.
template <class Write>
void append_packet(std::uint8_t first_byte, std::size_t body_bytes, std::size_t shared_bytes, ByteChain& out,
                   Write write) {
  check(body_bytes <= kMaxRemainingLength, "a packet fits its remaining length");
  const std::size_t own_bytes = whole_size(body_bytes) - shared_bytes;
  Writer writer(out.extend(own_bytes));
  const std::uint8_t* end = writer.position() + own_bytes;
  writer.put_u8(first_byte);
  writer.put_varint(body_bytes);
  write(writer);
  check(writer.position() == end, "a packet has the size that was measured");
}

std::size_t property_bytes(const PublishParts& publish) {
  std::size_t size = publish.properties.raw().size();
  if (publish.message_expiry_s) size += 5;
  if (publish.topic_alias != 0) size += 3;
  for (const std::uint32_t identifier : publish.subscription_identifiers) size += 1 + varint_size(identifier);
  return size;
}

std::size_t body_size(const PublishParts& publish, std::size_t properties, bool v5) {
  std::size_t size = 2 + publish.topic.size() + publish.payload.size();
  if (publish.qos != QoS::at_most_once) size += 2;
  if (v5) size += varint_size(properties) + properties;
  return size;
}

void write_properties(Writer& out, const PublishParts& publish, std::size_t size) {
  out.put_varint(size);
  out.put_bytes(publish.properties.raw());
  if (publish.message_expiry_s) {
    out.put_u8(static_cast<std::uint8_t>(PropertyId::message_expiry_interval));
    out.put_u32(*publish.message_expiry_s);
  }
  if (publish.topic_alias != 0) {
    out.put_u8(static_cast<std::uint8_t>(PropertyId::topic_alias));
    out.put_u16(publish.topic_alias);
  }
  for (const std::uint32_t identifier : publish.subscription_identifiers) {
    out.put_u8(static_cast<std::uint8_t>(PropertyId::subscription_identifier));
    out.put_varint(identifier);
  }
}

std::uint8_t first_byte_of(const PublishParts& publish) {
  return static_cast<std::uint8_t>(static_cast<unsigned>(PacketType::publish) << 4 | (publish.dup ? 8u : 0u) |
                                   static_cast<unsigned>(publish.qos) << 1 | (publish.retain ? 1u : 0u));
}

PublishParts parts_of(const Publish& publish) {
  PublishParts parts;
  parts.topic = publish.topic;
  parts.qos = publish.qos;
  parts.dup = publish.dup;
  parts.retain = publish.retain;
  parts.packet_id = publish.packet_id;
  parts.properties = publish.properties;
  parts.payload = publish.payload;
  return parts;
}

bool is_v5(ProtocolVersion version) {
  return version == ProtocolVersion::v5_0;
}

std::uint8_t fixed_first_byte(PacketType type) {
  const bool is_request =
      type == PacketType::pubrel || type == PacketType::subscribe || type == PacketType::unsubscribe;
  return static_cast<std::uint8_t>(static_cast<unsigned>(type) << 4 | (is_request ? 2u : 0u));
}

}  // namespace

std::size_t encoded_size(const PublishParts& publish, ProtocolVersion version) {
  return whole_size(body_size(publish, property_bytes(publish), is_v5(version)));
}

void encode(const PublishParts& publish, ProtocolVersion version, ByteChain& out, const BlockRef& payload_owner) {
  const bool v5 = is_v5(version);
  const std::size_t properties = property_bytes(publish);
  const bool shares = payload_owner && publish.payload.size() >= kSharePayloadBytes;
  append_packet(first_byte_of(publish), body_size(publish, properties, v5), shares ? publish.payload.size() : 0, out,
                [&](Writer& writer) {
                  writer.put_text(publish.topic);
                  if (publish.qos != QoS::at_most_once) writer.put_u16(publish.packet_id);
                  if (v5) write_properties(writer, publish, properties);
                  if (!shares) writer.put_bytes(publish.payload);
                });
  if (shares) out.append_shared(payload_owner, publish.payload);
}

std::size_t encoded_size(const Packet& packet, ProtocolVersion version) {
  if (const auto* publish = std::get_if<Publish>(&packet)) return encoded_size(parts_of(*publish), version);
  return whole_size(std::visit([&](const auto& body) { return body_size_of(body, is_v5(version)); }, packet));
}

void encode(const Packet& packet, ProtocolVersion version, ByteChain& out) {
  if (const auto* publish = std::get_if<Publish>(&packet)) return encode(parts_of(*publish), version, out);
  std::visit(
      [&](const auto& body) {
        append_packet(fixed_first_byte(type_of(packet)), body_size_of(body, is_v5(version)), 0, out,
                      [&](Writer& writer) { write_body(writer, body, version); });
      },
      packet);
}

}  // namespace martlet::wire
