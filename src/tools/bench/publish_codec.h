// The quick way for the two packets that make up the load: PUBLISH and its acknowledgements. Everything else goes
// through wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "tools/bench/payload.h"
#include "wire/types.h"

namespace martlet::tools::bench {

// A publisher's PUBLISH up to and including the stamp; copied and patched for each message.
class PublishTemplate {
 public:
  PublishTemplate() = default;
  PublishTemplate(std::string_view topic, std::uint8_t qos, bool retain, std::size_t payload_bytes,
                  wire::ProtocolVersion version);

  std::size_t head_bytes() const { return bytes_.size(); }
  // Writes the head to `out`, which has head_bytes(); the filler of the payload follows it on the wire.
  void write(std::uint8_t* out, std::uint16_t packet_id, const Stamp& stamp) const {
    std::memcpy(out, bytes_.data(), bytes_.size());
    if (packet_id_at_ != 0) {
      out[packet_id_at_] = static_cast<std::uint8_t>(packet_id >> 8);
      out[packet_id_at_ + 1] = static_cast<std::uint8_t>(packet_id);
    }
    write_stamp(out + bytes_.size() - kStampBytes, stamp);
  }
  // Where the topic's last `digits` characters stand in the head.
  std::size_t topic_digits_at(std::size_t digits) const { return topic_end_ - digits; }

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t packet_id_at_ = 0;  // 0: QoS 0
  std::size_t topic_end_ = 0;
};

// The fixed header of the packet that `bytes` begin with.
struct PacketHeader {
  std::uint8_t first_byte = 0;
  std::size_t header_bytes = 0;
  std::size_t body_bytes = 0;

  wire::PacketType type() const { return static_cast<wire::PacketType>(first_byte >> 4); }
};

enum class HeaderStatus : std::uint8_t { complete, need_more, malformed };
HeaderStatus read_header(ByteView bytes, PacketHeader& header);

// What the bench wants to know of a received PUBLISH.
struct ReceivedPublish {
  Stamp stamp;
  std::string_view topic;  // into what was read
  std::uint8_t qos = 0;
  bool retain = false;
  std::uint16_t packet_id = 0;
  std::size_t payload_bytes = 0;
};

enum class PublishStatus : std::uint8_t {
  complete,   // `out` is filled
  need_more,  // the body's first bytes do not reach to the stamp's end yet
  malformed,  // no PUBLISH of a bench: no stamp in it, or broken
};

// Reads a PUBLISH from the beginning of its body, of which `body` may be only a part.
PublishStatus read_publish(const PacketHeader& header, ByteView body, wire::ProtocolVersion version,
                           ReceivedPublish& out);

// Writes a four-byte PUBACK, PUBREC, PUBREL or PUBCOMP without a reason: success in every version.
inline void write_ack(std::uint8_t* out, wire::PacketType type, std::uint16_t packet_id) {
  const unsigned flags = type == wire::PacketType::pubrel ? 2 : 0;  // [MQTT-3.6.1-1]
  out[0] = static_cast<std::uint8_t>(static_cast<unsigned>(type) << 4 | flags);
  out[1] = 2;
  out[2] = static_cast<std::uint8_t>(packet_id >> 8);
  out[3] = static_cast<std::uint8_t>(packet_id);
}
inline constexpr std::size_t kAckBytes = 4;

// Packet identifier and reason of an acknowledgement's body; false when it is too short.
bool read_ack(ByteView body, std::uint16_t& packet_id, std::uint8_t& reason);

}  // namespace martlet::tools::bench
