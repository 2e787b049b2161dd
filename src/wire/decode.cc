#include "wire/decode.h"

#include <type_traits>

#include "wire/decoders.h"

namespace martlet::wire {
namespace {

using Decoded = tl::expected<Packet, DecodeError>;

// Packets are handed about by value on the hot path.
static_assert(std::is_trivially_copyable_v<Packet>);

constexpr std::uint32_t kFromClient =
    packet_bit(PacketType::connect) | packet_bit(PacketType::publish) | packet_bit(PacketType::puback) |
    packet_bit(PacketType::pubrec) | packet_bit(PacketType::pubrel) | packet_bit(PacketType::pubcomp) |
    packet_bit(PacketType::subscribe) | packet_bit(PacketType::unsubscribe) | packet_bit(PacketType::pingreq) |
    packet_bit(PacketType::disconnect) | packet_bit(PacketType::auth);
constexpr std::uint32_t kFromServer =
    packet_bit(PacketType::connack) | packet_bit(PacketType::publish) | packet_bit(PacketType::puback) |
    packet_bit(PacketType::pubrec) | packet_bit(PacketType::pubrel) | packet_bit(PacketType::pubcomp) |
    packet_bit(PacketType::suback) | packet_bit(PacketType::unsuback) | packet_bit(PacketType::pingresp) |
    packet_bit(PacketType::disconnect) | packet_bit(PacketType::auth);
constexpr std::uint32_t kRequestFlags =
    packet_bit(PacketType::pubrel) | packet_bit(PacketType::subscribe) | packet_bit(PacketType::unsubscribe);

// The flags that every packet but PUBLISH must carry [2.1.3].
bool flags_legal(PacketType type, std::uint8_t flags, ProtocolVersion version) {
  const bool is_request = (kRequestFlags & packet_bit(type)) != 0;
  const std::uint8_t demanded = is_request ? 2 : 0;
  if (flags == demanded) return true;
  // 3.1 has a DUP flag in what it sends at QoS 1 [2.1 of 3.1].
  return is_request && version == ProtocolVersion::v3_1 && flags == (demanded | 8);
}

const char* flags_clause(PacketType type) {
  switch (type) {
    case PacketType::pubrel:
      return "MQTT-3.6.1-1";
    case PacketType::subscribe:
      return "MQTT-3.8.1-1";
    case PacketType::unsubscribe:
      return "MQTT-3.10.1-1";
    case PacketType::disconnect:
      return "MQTT-3.14.1-1";
    case PacketType::auth:
      return "MQTT-3.15.1-1";
    default:
      return "MQTT-2.1.3-1";
  }
}

tl::unexpected<DecodeError> refuse(const Reader& in, ProtocolVersion version) {
  DecodeError error = in.error();
  error.version = version;
  return tl::unexpected<DecodeError>(error);
}

// Checks what the fixed header alone tells.
bool check_header(Reader& in, PacketType type, const DecodeContext& context) {
  if (type == PacketType{0}) return in.malformed({"2.1.2", "packet type 0 is reserved"});
  if (type == PacketType::auth && !context.v5()) return in.malformed({"2.2.1", "packet type 15 is reserved in 3.x"});
  if (type != PacketType::publish && type != PacketType::connect && !flags_legal(type, context.flags, context.version))
    return in.malformed({flags_clause(type), "reserved flags of the fixed header"});
  if (type == PacketType::connect && context.flags != 0)
    return in.malformed({"MQTT-2.1.3-1", "reserved flags of the fixed header"});
  const std::uint32_t allowed = context.sender == Sender::client ? kFromClient : kFromServer;
  if ((allowed & packet_bit(type)) == 0)
    return in.protocol_error({"2.1.2", "packet type is for the other side to send"});
  return true;
}

template <class Body, class Decoder>
Decoded run(Reader& in, const DecodeContext& context, Decoder decoder, Body body = {}) {
  if (!decoder(in, context, body)) [[unlikely]]
    return refuse(in, context.version);
  return Decoded(tl::in_place, std::in_place_type<Body>, body);
}

Decoded run_connect(Reader& in) {
  ProtocolVersion version = ProtocolVersion::v5_0;
  Connect connect;
  if (!decode_connect(in, version, connect)) return refuse(in, version);
  return Decoded(tl::in_place, connect);
}

template <class Body>
bool decode_empty(Reader& in, const DecodeContext&, Body&) {
  return in.finish();
}

}  // namespace

Decoded decode(std::uint8_t first_byte, ByteView body, ProtocolVersion version, Sender sender) {
  const auto type = static_cast<PacketType>(first_byte >> 4);
  const DecodeContext context{version, sender, static_cast<std::uint8_t>(first_byte & 15)};
  Reader in(body);
  if (type == PacketType::publish) [[likely]]
    return run<Publish>(in, context, decode_publish);
  if (!check_header(in, type, context)) return refuse(in, version);
  switch (type) {
    case PacketType::connect:
      return run_connect(in);
    case PacketType::connack:
      return run<Connack>(in, context, decode_connack);
    case PacketType::publish:
      break;
    case PacketType::puback:
    case PacketType::pubrec:
    case PacketType::pubrel:
    case PacketType::pubcomp:
      return run(in, context, decode_publish_ack, PublishAck{type, 0, ReasonCode::success, {}});
    case PacketType::subscribe:
      return run<Subscribe>(in, context, decode_subscribe);
    case PacketType::suback:
    case PacketType::unsuback:
      return run(in, context, decode_filter_ack, FilterAck{type, 0, {}, {}});
    case PacketType::unsubscribe:
      return run<Unsubscribe>(in, context, decode_unsubscribe);
    case PacketType::pingreq:
      return run<Pingreq>(in, context, decode_empty<Pingreq>);
    case PacketType::pingresp:
      return run<Pingresp>(in, context, decode_empty<Pingresp>);
    case PacketType::disconnect:
      return run<Disconnect>(in, context, decode_disconnect);
    case PacketType::auth:
      break;
  }
  return run<Auth>(in, context, decode_auth);
}

}  // namespace martlet::wire
