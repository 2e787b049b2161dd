#include "wire/property_parser.h"

namespace martlet::wire {
namespace {

constexpr Field kCutOff{"2.2.2.2", "property is cut off"};

}  // namespace

bool PropertyParser::parse(Reader& in, std::uint32_t packet, Sender sender, Properties& out) {
  std::uint32_t length = 0;
  if (!in.take_varint(length, {"MQTT-2.2.2-1", "property length is missing"})) return false;
  if (length == 0) [[likely]]
    return true;
  ByteView section;
  if (!in.take_bytes(section, length, {"2.2.2.1", "property length exceeds the packet"})) return false;
  PropertyParser parser(section, packet, sender);
  if (!parser.parse_all()) return in.fail_as(parser.in_);
  out.raw_ = section;
  out.present_ = parser.present_;
  return true;
}

bool PropertyParser::parse_all() {
  while (!in_.empty()) {
    if (!parse_one()) return false;
  }
  return true;
}

bool PropertyParser::parse_one() {
  std::uint32_t id = 0;
  if (!in_.take_varint(id, kCutOff)) return false;
  const PropertyRow* row = property_row(id);
  if (row == nullptr) return in_.malformed({"2.2.2.2", "unknown property identifier"});
  return admit(*row) && parse_value(*row);
}

// Whether the property may stand here at all.
bool PropertyParser::admit(const PropertyRow& row) {
  if ((row.packets & packet_) == 0) return in_.malformed({"2.2.2.2", "property does not belong in this packet"});
  const std::uint32_t allowed = sender_ == Sender::client ? row.from_client : row.from_server;
  if ((allowed & packet_) == 0) {
    const char* clause = row.section;
    if (row.id == PropertyId::subscription_identifier) clause = "MQTT-3.3.4-6";
    if (row.id == PropertyId::session_expiry_interval) clause = "MQTT-3.14.2-2";
    return in_.protocol_error({clause, "property is for the other side to send"});
  }
  const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(row.id);
  if ((present_ & bit) != 0 && (row.repeatable & packet_) == 0)
    return in_.protocol_error({row.section, "property stands twice"});
  present_ |= bit;
  return true;
}

bool PropertyParser::parse_value(const PropertyRow& row) {
  ByteView ignored;
  std::string_view name;
  std::string_view value;
  switch (row.kind) {
    case PropertyKind::text:
      return parse_text(row);
    case PropertyKind::text_pair:
      return in_.take_text(name, kCutOff) && in_.take_text(value, kCutOff);
    case PropertyKind::binary:
      return in_.take_binary(ignored, kCutOff);
    default:
      return parse_number(row);
  }
}

bool PropertyParser::parse_number(const PropertyRow& row) {
  std::uint8_t byte = 0;
  std::uint16_t two_bytes = 0;
  std::uint32_t number = 0;
  bool taken = false;
  if (row.kind == PropertyKind::byte) {
    taken = in_.take_u8(byte, kCutOff);
    number = byte;
  } else if (row.kind == PropertyKind::two_byte) {
    taken = in_.take_u16(two_bytes, kCutOff);
    number = two_bytes;
  } else if (row.kind == PropertyKind::four_byte) {
    taken = in_.take_u32(number, kCutOff);
  } else {
    taken = in_.take_varint(number, kCutOff);
  }
  if (!taken) return false;
  if (row.rule == ValueRule::zero_or_one && number > 1)
    return in_.protocol_error({row.section, "property value is neither 0 nor 1"});
  if (row.rule == ValueRule::not_zero && number == 0) {
    const ReasonCode reason =
        row.id == PropertyId::topic_alias ? ReasonCode::topic_alias_invalid : ReasonCode::protocol_error;
    return in_.fail(reason, {row.section, "property value is 0"});
  }
  return true;
}

bool PropertyParser::parse_text(const PropertyRow& row) {
  std::string_view text;
  if (!in_.take_text(text, kCutOff)) return false;
  if (row.rule != ValueRule::topic_name) return true;
  if (text.empty()) return in_.protocol_error({"MQTT-4.7.3-1", "response topic is empty"});
  if (has_wildcard(as_bytes(text))) return in_.protocol_error({row.section, "response topic holds a wildcard"});
  return true;
}

}  // namespace martlet::wire
