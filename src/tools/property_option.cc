#include "tools/property_option.h"

#include <fmt/format.h>

#include <array>
#include <string>
#include <vector>

#include "base/nearest.h"
#include "tools/number.h"
#include "topic/name.h"
#include "wire/decode.h"
#include "wire/property.h"

namespace martlet::tools {
namespace {

using wire::PacketType;
using wire::PropertyId;
using wire::PropertyKind;
using wire::PropertyRow;

struct Command {
  const char* name;
  std::uint32_t packet_bit;
  unsigned tools;
  wire::PropertyWriter Settings::*properties;
};

constexpr std::array kCommands{
    Command{"connect", wire::packet_bit(PacketType::connect), kBoth, &Settings::connect_properties},
    Command{"publish", wire::packet_bit(PacketType::publish), kPub, &Settings::publish_properties},
    Command{"will", wire::kWillBit, kBoth, &Settings::will_properties},
    Command{"subscribe", wire::packet_bit(PacketType::subscribe), kSub, &Settings::subscribe_properties},
    Command{"unsubscribe", wire::packet_bit(PacketType::unsubscribe), kSub, &Settings::unsubscribe_properties},
    Command{"disconnect", wire::packet_bit(PacketType::disconnect), kBoth, &Settings::disconnect_properties},
};

bool legal_in(const PropertyRow& row, const Command& command) {
  return (row.packets & row.from_client & command.packet_bit) != 0;
}

std::string lower(std::string_view text) {
  std::string lowered(text);
  for (char& c : lowered) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lowered;
}

Result<const Command*> find_command(std::string_view name, Tool tool) {
  std::string known;
  for (const Command& command : kCommands) {
    if ((command.tools & tool) == 0) continue;
    if (lower(name) == command.name) return &command;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", command.name);
  }
  return fail(fmt::format("-D: '{}' is no packet whose properties can be set here; use one of {}", name, known));
}

Result<const PropertyRow*> find_property(std::string_view name, const Command& command) {
  const PropertyRow* row = wire::property_row_by_name(name);
  if (row && legal_in(*row, command)) return row;
  std::vector<std::string_view> names;
  for (std::uint32_t id = 1; id < 0x40; ++id) {
    const PropertyRow* other = wire::property_row(id);
    if (other && legal_in(*other, command)) names.push_back(other->name);
  }
  const std::string known = fmt::format("{}", fmt::join(names, ", "));
  if (row) return fail(fmt::format("-D {0}: '{1}' does not go into {0}; it takes {2}", command.name, name, known));
  if (const std::string_view nearest = nearest_name(name, names); !nearest.empty()) {
    return fail(fmt::format("-D {}: unknown property '{}'; did you mean '{}'?", command.name, name, nearest));
  }
  return fail(fmt::format("-D {}: unknown property '{}'; it takes {}", command.name, name, known));
}

Result<void> check_text(std::string_view text, const PropertyRow& row) {
  if (text.size() > wire::kMaxTextBytes) return fail(fmt::format("-D {}: longer than 65535 bytes", row.name));
  if (row.kind != PropertyKind::binary && !wire::valid_text(text)) {
    return fail(fmt::format("-D {}: the value is not valid UTF-8", row.name));
  }
  if (row.rule == wire::ValueRule::topic_name && topic::check_name(text) != topic::Validity::ok) {
    return fail(fmt::format("-D {}: '{}' is no topic name: no wildcards, not empty", row.name, text));
  }
  return {};
}

Result<std::uint32_t> parse_value(std::string_view text, const PropertyRow& row) {
  std::uint32_t most = 0xFFFFFFFF;
  if (row.kind == PropertyKind::byte) most = row.rule == wire::ValueRule::zero_or_one ? 1 : 255;
  if (row.kind == PropertyKind::two_byte) most = 65'535;
  if (row.kind == PropertyKind::varint) most = wire::kMaxRemainingLength;
  const std::uint32_t least = row.rule == wire::ValueRule::not_zero ? 1 : 0;
  const auto value = parse_number<std::uint32_t>(text, least, most);
  if (!value) return fail(fmt::format("-D {}: '{}' is no number from {} to {}", row.name, text, least, most));
  return *value;
}

// Limits of this side, which the client announces itself. True if the property is one.
bool take_limit(Settings& settings, PropertyId id, std::uint32_t value) {
  switch (id) {
    case PropertyId::receive_maximum:
      settings.receive_maximum = static_cast<std::uint16_t>(value);
      return true;
    case PropertyId::maximum_packet_size:
      settings.max_packet_bytes = value;
      return true;
    case PropertyId::topic_alias_maximum:
      settings.topic_alias_maximum = static_cast<std::uint16_t>(value);
      return true;
    case PropertyId::session_expiry_interval:
      settings.session_expiry_s = value;
      return true;
    default:
      return false;
  }
}

Result<void> add_value(Settings& settings, const Command& command, const PropertyRow& row, Values values) {
  wire::PropertyWriter& properties = settings.*command.properties;
  const std::string_view value = values.back();
  if (row.kind == PropertyKind::text_pair || row.kind == PropertyKind::text || row.kind == PropertyKind::binary) {
    for (const std::string_view text : values.subspan(2)) {
      if (auto checked = check_text(text, row); !checked) return checked;
    }
    if (row.kind == PropertyKind::text_pair) properties.add_pair(row.id, values[2], value);
    if (row.kind == PropertyKind::text) properties.add_text(row.id, value);
    if (row.kind == PropertyKind::binary) properties.add_binary(row.id, as_bytes(value));
    return {};
  }
  const auto number = parse_value(value, row);
  if (!number) return tl::unexpected(number.error());
  const bool connect = command.packet_bit == wire::packet_bit(PacketType::connect);
  if (!connect || !take_limit(settings, row.id, *number)) properties.add_number(row.id, *number);
  return {};
}

}  // namespace

std::size_t property_value_count(Values values) {
  return values.size() > 1 && values[1] == "user-property" ? 4 : 3;
}

Result<void> apply_property(Settings& settings, Values values) {
  const auto command = find_command(values[0], settings.tool);
  if (!command) return tl::unexpected(command.error());
  const auto row = find_property(values[1], **command);
  if (!row) return tl::unexpected(row.error());
  settings.needs_v5 = "-D";
  const bool repeatable = ((*row)->repeatable & (*command)->packet_bit) != 0;
  if (!repeatable && (settings.*(*command)->properties).properties().has((*row)->id)) {
    return fail(fmt::format("-D {}: {} may be given only once", (*command)->name, (*row)->name));
  }
  return add_value(settings, **command, **row, values);
}

}  // namespace martlet::tools
