// SUBSCRIBE, UNSUBSCRIBE and their acknowledgements.
#include "wire/decoders.h"
#include "wire/property_parser.h"

namespace martlet::wire {
namespace {

constexpr std::uint8_t kReservedBitsV5 = 0xC0;
constexpr std::uint8_t kReservedBitsV3 = 0xFC;
constexpr std::string_view kSharePrefix = "$share/";

bool take_options(Reader& in, const DecodeContext& context, std::string_view filter) {
  std::uint8_t byte = 0;
  if (!in.take_u8(byte, {"3.8.3.1", "subscription options are missing"})) return false;
  if (!context.v5()) {
    if ((byte & kReservedBitsV3) != 0) return in.malformed({"MQTT-3.8.3-4 (3.1.1)", "reserved bits of requested QoS"});
    return (byte & 3) != 3 || in.malformed({"MQTT-3.8.3-4 (3.1.1)", "requested QoS is 3"});
  }
  if ((byte & kReservedBitsV5) != 0) return in.malformed({"MQTT-3.8.3-5", "reserved bits of subscription options"});
  if ((byte & 3) == 3) return in.protocol_error({"3.8.3.1", "maximum QoS is 3"});
  const SubscriptionOptions options = SubscriptionOptions::from_byte(byte);
  if (options.retain_handling == 3) return in.protocol_error({"3.8.3.1", "retain handling is 3"});
  if (options.no_local && filter.starts_with(kSharePrefix))
    return in.protocol_error({"MQTT-3.8.3-4", "no local on a shared subscription"});
  return true;
}

// Validates the payload up to the end of the packet.
bool decode_filters(Reader& in, const DecodeContext& context, bool with_options, FilterList& out) {
  const char* clause = with_options ? "MQTT-3.8.3-2" : "MQTT-3.10.3-2";
  if (in.empty()) return in.protocol_error({clause, "no topic filter"});
  const char* text_clause = with_options ? "MQTT-3.8.3-1" : "MQTT-3.10.3-1";
  Reader scan = in;
  while (!scan.empty()) {
    std::string_view filter;
    if (!scan.take_text(filter, {text_clause, "topic filter is cut off"})) return in.fail_as(scan);
    if (with_options && !take_options(scan, context, filter)) return in.fail_as(scan);
  }
  out = FilterList(in.take_rest(), with_options);
  return true;
}

bool check_reasons(Reader& in, const DecodeContext& context, const FilterAck& ack) {
  const bool suback = ack.type == PacketType::suback;
  const char* clause = suback ? "MQTT-3.9.3-2" : "MQTT-3.11.3-2";
  if (ack.reasons.empty()) return in.protocol_error({clause, "no reason code"});
  for (const std::uint8_t code : ack.reasons) {
    const bool legal =
        context.v5() ? legal_in(static_cast<ReasonCode>(code), ack.type, context.sender) : code <= 2 || code == 0x80;
    if (!legal) return in.protocol_error({clause, "reason code is not for this packet"});
  }
  return true;
}

}  // namespace

bool decode_subscribe(Reader& in, const DecodeContext& context, Subscribe& out) {
  if (!take_packet_id(in, out.packet_id)) return false;
  const std::uint32_t packet = packet_bit(PacketType::subscribe);
  if (context.v5() && !PropertyParser::parse(in, packet, context.sender, out.properties)) return false;
  return decode_filters(in, context, true, out.filters);
}

bool decode_unsubscribe(Reader& in, const DecodeContext& context, Unsubscribe& out) {
  if (!take_packet_id(in, out.packet_id)) return false;
  const std::uint32_t packet = packet_bit(PacketType::unsubscribe);
  if (context.v5() && !PropertyParser::parse(in, packet, context.sender, out.properties)) return false;
  return decode_filters(in, context, false, out.filters);
}

bool decode_filter_ack(Reader& in, const DecodeContext& context, FilterAck& out) {
  if (!take_packet_id(in, out.packet_id)) return false;
  if (context.v5() && !PropertyParser::parse(in, packet_bit(out.type), context.sender, out.properties)) return false;
  // A 3.x UNSUBACK ends here.
  if (!context.v5() && out.type == PacketType::unsuback) return in.finish();
  out.reasons = in.take_rest();
  return check_reasons(in, context, out);
}

}  // namespace martlet::wire
