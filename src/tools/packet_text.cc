#include "tools/packet_text.h"

#include <fmt/format.h>

#include "wire/property.h"
#include "wire/reason.h"

namespace martlet::tools {
namespace {

using wire::PropertyKind;

std::string properties_text(const wire::Properties& properties) {
  std::string text;
  properties.for_each([&](const wire::Property& property) {
    const wire::PropertyRow& row = *wire::property_row(static_cast<std::uint32_t>(property.id));
    text += fmt::format(", {}", row.name);
    switch (row.kind) {
      case PropertyKind::text_pair:
        text += fmt::format(" {}={}", property.name, as_text(property.value));
        break;
      case PropertyKind::text:
        text += fmt::format(" '{}'", as_text(property.value));
        break;
      case PropertyKind::binary:
        text += fmt::format(" ({} bytes)", property.value.size());
        break;
      default:
        text += fmt::format(" {}", property.number);
    }
  });
  return text;
}

std::string reason_and_properties(wire::ReasonCode reason, wire::PacketType type, const wire::Properties& properties) {
  return fmt::format("{} 0x{:02X}{}", wire::reason_text(reason, type), static_cast<unsigned>(reason),
                     properties_text(properties));
}

std::string filters_text(const wire::FilterList& filters, bool options) {
  std::string text;
  filters.for_each([&](const wire::FilterEntry& entry) {
    text += fmt::format(", '{}'", entry.filter);
    if (options)
      text += fmt::format(" q{} 0x{:02x}", static_cast<unsigned>(entry.options.qos), entry.options.to_byte());
  });
  return text;
}

struct Describe {
  std::string operator()(const wire::Connect& p) const {
    return fmt::format(" (MQTT {}, c{}, k{}, '{}'{}{})", wire::version_name(p.version), p.clean_start ? 1 : 0,
                       p.keep_alive_s, p.client_id, p.will ? fmt::format(", will '{}'", p.will->topic) : "",
                       properties_text(p.properties));
  }
  std::string operator()(const wire::Connack& p) const {
    return fmt::format(" ({}{})", p.session_present ? "session present, " : "",
                       reason_and_properties(p.reason, wire::PacketType::connack, p.properties));
  }
  std::string operator()(const wire::Publish& p) const {
    return fmt::format(" (d{}, q{}, r{}, m{}, '{}', ... ({} bytes){})", p.dup ? 1 : 0, static_cast<unsigned>(p.qos),
                       p.retain ? 1 : 0, p.packet_id, p.topic, p.payload.size(), properties_text(p.properties));
  }
  std::string operator()(const wire::PublishAck& p) const {
    return fmt::format(" (m{}, {})", p.packet_id, reason_and_properties(p.reason, p.type, p.properties));
  }
  std::string operator()(const wire::Subscribe& p) const {
    return fmt::format(" (m{}{}{})", p.packet_id, filters_text(p.filters, true), properties_text(p.properties));
  }
  std::string operator()(const wire::Unsubscribe& p) const {
    return fmt::format(" (m{}{}{})", p.packet_id, filters_text(p.filters, false), properties_text(p.properties));
  }
  std::string operator()(const wire::FilterAck& p) const {
    std::string text = fmt::format(" (m{}", p.packet_id);
    for (const std::uint8_t reason : p.reasons) {
      text += fmt::format(", {}", wire::reason_text(static_cast<wire::ReasonCode>(reason), p.type));
    }
    return text + properties_text(p.properties) + ")";
  }
  std::string operator()(const wire::Disconnect& p) const {
    return fmt::format(" ({})", reason_and_properties(p.reason, wire::PacketType::disconnect, p.properties));
  }
  std::string operator()(const wire::Auth& p) const {
    return fmt::format(" ({})", reason_and_properties(p.reason, wire::PacketType::auth, p.properties));
  }
  std::string operator()(const wire::Pingreq&) const { return {}; }
  std::string operator()(const wire::Pingresp&) const { return {}; }
};

}  // namespace

std::string packet_text(const wire::Packet& packet) {
  return wire::packet_name(wire::type_of(packet)) + std::visit(Describe{}, packet);
}

}  // namespace martlet::tools
