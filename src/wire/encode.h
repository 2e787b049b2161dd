// Packets to bytes. Callers hand in legal packets of at most kMaxPacketBytes, which encoded_size() tells beforehand; a
// larger one is a bug (a received packet can outgrow the limit by what is added to it for a 5.0 receiver). Lengths are
// always written in their shortest form [MQTT-1.5.5-1].
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/byte_chain.h"
#include "wire/packet.h"

namespace martlet::wire {

// Bytes of the whole packet, fixed header included. Properties are dropped for 3.x, where they do not exist. `version`
// is the connection's; CONNECT goes by its own.
std::size_t encoded_size(const Packet& packet, ProtocolVersion version);
// Appends the packet to `out`.
void encode(const Packet& packet, ProtocolVersion version, ByteChain& out);

// A PUBLISH put together from a message that many share and a head that belongs to one receiver. In 3.x the properties
// and the parts of the head that are properties are left out.
struct PublishParts {
  std::string_view topic;  // empty when `topic_alias` alone stands for it
  QoS qos = QoS::at_most_once;
  bool dup = false;
  bool retain = false;
  std::uint16_t packet_id = 0;
  Properties properties;  // the message's own, written as they are
  std::optional<std::uint32_t> message_expiry_s;
  std::uint16_t topic_alias = 0;                            // 0: none
  std::span<const std::uint32_t> subscription_identifiers;  // one property each
  ByteView payload;
};

std::size_t encoded_size(const PublishParts& publish, ProtocolVersion version);
// Appends it to `out`. When `payload_owner` is given and the payload is large (kSharePayloadBytes or more), the payload
// is referenced in place of being copied; it must lie in that block.
void encode(const PublishParts& publish, ProtocolVersion version, ByteChain& out, const BlockRef& payload_owner = {});

inline constexpr std::size_t kSharePayloadBytes = 4096;

}  // namespace martlet::wire
