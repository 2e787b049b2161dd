#include "wire/decoders.h"

namespace martlet::wire {

bool take_packet_id(Reader& in, std::uint16_t& out) {
  if (!in.take_u16(out, {"2.2.1", "packet identifier is missing"})) return false;
  return out != 0 || in.protocol_error({"MQTT-2.2.1-3", "packet identifier is 0"});
}

bool take_reason(Reader& in, PacketType type, Sender sender, const char* clause, ReasonCode& out) {
  std::uint8_t code = 0;
  if (!in.take_u8(code, {clause, "reason code is missing"})) return false;
  out = static_cast<ReasonCode>(code);
  return legal_in(out, type, sender) || in.protocol_error({clause, "reason code is not for this packet"});
}

bool check_authentication(Reader& in, const Properties& properties) {
  if (!properties.has(PropertyId::authentication_data) || properties.has(PropertyId::authentication_method))
    return true;
  return in.protocol_error({"3.1.2.11.10", "authentication data without a method"});
}

}  // namespace martlet::wire
