#include "tools/bench/publish_codec.h"

#include "base/byte_chain.h"
#include "wire/encode.h"

namespace martlet::tools::bench {

PublishTemplate::PublishTemplate(std::string_view topic, std::uint8_t qos, bool retain, std::size_t payload_bytes,
                                 wire::ProtocolVersion version) {
  const std::vector<std::uint8_t> payload(payload_bytes);
  wire::PublishParts parts;
  parts.topic = topic;
  parts.qos = static_cast<wire::QoS>(qos);
  parts.retain = retain;
  parts.packet_id = qos > 0 ? 1 : 0;
  parts.payload = payload;
  ByteChain chain;
  wire::encode(parts, version, chain);
  const std::size_t head = chain.size() - payload_bytes + kStampBytes;
  ByteView first;
  chain.front(&first, 1);
  bytes_.assign(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(head));
  const std::size_t properties = version == wire::ProtocolVersion::v5_0 ? 1 : 0;
  if (qos > 0) packet_id_at_ = head - kStampBytes - properties - 2;
  topic_end_ = head - kStampBytes - properties - (qos > 0 ? 2 : 0);
}

HeaderStatus read_header(ByteView bytes, PacketHeader& header) {
  std::size_t value = 0;
  for (std::size_t i = 1; i <= 4; ++i) {
    if (i >= bytes.size()) return HeaderStatus::need_more;
    value |= static_cast<std::size_t>(bytes[i] & 0x7F) << (7 * (i - 1));
    if ((bytes[i] & 0x80) == 0) {
      header = {bytes[0], i + 1, value};
      return HeaderStatus::complete;
    }
  }
  return HeaderStatus::malformed;
}

PublishStatus read_publish(const PacketHeader& header, ByteView body, wire::ProtocolVersion version,
                           ReceivedPublish& out) {
  const bool whole = body.size() >= header.body_bytes;
  if (whole) body = body.first(header.body_bytes);
  const PublishStatus cut = whole ? PublishStatus::malformed : PublishStatus::need_more;
  out.qos = (header.first_byte >> 1) & 3;
  out.retain = (header.first_byte & 1) != 0;
  if (body.size() < 2) return cut;
  std::size_t at = 2 + (static_cast<std::size_t>(body[0]) << 8 | body[1]);
  if (body.size() < at) return cut;
  out.topic = as_text(body.subspan(2, at - 2));
  if (out.qos > 0) {
    if (body.size() < at + 2) return cut;
    out.packet_id = static_cast<std::uint16_t>(body[at] << 8 | body[at + 1]);
    at += 2;
  }
  if (version == wire::ProtocolVersion::v5_0) {
    std::size_t properties = 0;
    unsigned shift = 0;
    for (;; shift += 7) {
      if (shift > 21) return PublishStatus::malformed;
      if (at >= body.size()) return cut;
      const std::uint8_t byte = body[at++];
      properties |= static_cast<std::size_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) break;
    }
    at += properties;
  }
  if (header.body_bytes < at + kStampBytes) return PublishStatus::malformed;
  if (body.size() < at + kStampBytes) return cut;
  out.stamp = read_stamp(body.data() + at);
  out.payload_bytes = header.body_bytes - at;
  return PublishStatus::complete;
}

bool read_ack(ByteView body, std::uint16_t& packet_id, std::uint8_t& reason) {
  if (body.size() < 2) return false;
  packet_id = static_cast<std::uint16_t>(body[0] << 8 | body[1]);
  reason = body.size() > 2 ? body[2] : 0;
  return true;
}

}  // namespace martlet::tools::bench
