// One decoder for each packet's variable header and payload; decode() has checked the fixed header before. Each fills
// `out` and returns true, or leaves the error in `in`. Internal to the room.
#pragma once

#include <cstdint>

#include "wire/packet.h"
#include "wire/reader.h"

namespace martlet::wire {

struct DecodeContext {
  ProtocolVersion version;
  Sender sender;
  std::uint8_t flags;  // lower nibble of the first byte

  bool v5() const { return version == ProtocolVersion::v5_0; }
};

// `version` is set as soon as the packet has named it.
bool decode_connect(Reader& in, ProtocolVersion& version, Connect& out);
bool decode_connack(Reader& in, const DecodeContext& context, Connack& out);
bool decode_publish(Reader& in, const DecodeContext& context, Publish& out);
// `out.type` says which of the four.
bool decode_publish_ack(Reader& in, const DecodeContext& context, PublishAck& out);
bool decode_subscribe(Reader& in, const DecodeContext& context, Subscribe& out);
bool decode_unsubscribe(Reader& in, const DecodeContext& context, Unsubscribe& out);
// `out.type` says which of the two.
bool decode_filter_ack(Reader& in, const DecodeContext& context, FilterAck& out);
bool decode_disconnect(Reader& in, const DecodeContext& context, Disconnect& out);
bool decode_auth(Reader& in, const DecodeContext& context, Auth& out);

// A packet identifier, which is never 0 [MQTT-2.2.1-3].
bool take_packet_id(Reader& in, std::uint16_t& out);
// A reason code that is legal in `type`; `clause` is the statement that says which are.
bool take_reason(Reader& in, PacketType type, Sender sender, const char* clause, ReasonCode& out);
// Authentication data needs a method beside it [3.1.2.11.10].
bool check_authentication(Reader& in, const Properties& properties);

}  // namespace martlet::wire
