// The 27 properties of MQTT 5.0 as one table: adding one is one row here and its one use [2.2.2.2].
#pragma once

#include <cstdint>
#include <string_view>

#include "wire/types.h"

namespace martlet::wire {

enum class PropertyId : std::uint8_t {
  payload_format_indicator = 0x01,
  message_expiry_interval = 0x02,
  content_type = 0x03,
  response_topic = 0x08,
  correlation_data = 0x09,
  subscription_identifier = 0x0B,
  session_expiry_interval = 0x11,
  assigned_client_identifier = 0x12,
  server_keep_alive = 0x13,
  authentication_method = 0x15,
  authentication_data = 0x16,
  request_problem_information = 0x17,
  will_delay_interval = 0x18,
  request_response_information = 0x19,
  response_information = 0x1A,
  server_reference = 0x1C,
  reason_string = 0x1F,
  receive_maximum = 0x21,
  topic_alias_maximum = 0x22,
  topic_alias = 0x23,
  maximum_qos = 0x24,
  retain_available = 0x25,
  user_property = 0x26,
  maximum_packet_size = 0x27,
  wildcard_subscription_available = 0x28,
  subscription_identifier_available = 0x29,
  shared_subscription_available = 0x2A,
};

enum class PropertyKind : std::uint8_t { byte, two_byte, four_byte, varint, text, binary, text_pair };

// Which values are legal beside the kind's own range.
enum class ValueRule : std::uint8_t { any, zero_or_one, not_zero, topic_name };

// The four masks have bit 1 << PacketType for each packet; bit 0 stands for the will.
struct PropertyRow {
  PropertyId id;
  PropertyKind kind;
  std::uint32_t packets;      // that may carry it; a breach is a malformed packet [2.2.2.2]
  std::uint32_t from_client;  // those of `packets` in which a client may write it
  std::uint32_t from_server;
  std::uint32_t repeatable;  // those in which it may stand more than once
  ValueRule rule;
  const char* name;     // for example "message-expiry-interval", as command-line tools spell it
  const char* section;  // of the specification that states its rules
};

// Bit of PropertyRow::packets for the will's own properties.
inline constexpr std::uint32_t kWillBit = 1;
constexpr std::uint32_t packet_bit(PacketType type) {
  return std::uint32_t{1} << static_cast<unsigned>(type);
}

// The row of `id`, or nullptr for a value that no property has.
const PropertyRow* property_row(std::uint32_t id);
// The row whose name is `name`, or nullptr.
const PropertyRow* property_row_by_name(std::string_view name);

}  // namespace martlet::wire
