#include "wire/property.h"

#include <array>
#include <iterator>

namespace martlet::wire {
namespace {

constexpr std::uint32_t kConnect = packet_bit(PacketType::connect);
constexpr std::uint32_t kConnack = packet_bit(PacketType::connack);
constexpr std::uint32_t kPublish = packet_bit(PacketType::publish);
constexpr std::uint32_t kSubscribe = packet_bit(PacketType::subscribe);
constexpr std::uint32_t kDisconnect = packet_bit(PacketType::disconnect);
constexpr std::uint32_t kAuth = packet_bit(PacketType::auth);
constexpr std::uint32_t kPublishAcks = packet_bit(PacketType::puback) | packet_bit(PacketType::pubrec) |
                                       packet_bit(PacketType::pubrel) | packet_bit(PacketType::pubcomp);
constexpr std::uint32_t kFilterAcks = packet_bit(PacketType::suback) | packet_bit(PacketType::unsuback);
constexpr std::uint32_t kMessage = kPublish | kWillBit;

// What only one side writes at all; the will is part of CONNECT.
constexpr std::uint32_t kClientOnly = kConnect | kWillBit | kSubscribe | packet_bit(PacketType::unsubscribe);
constexpr std::uint32_t kServerOnly = kConnack | kFilterAcks;

constexpr std::uint32_t kReasoned = kConnack | kPublishAcks | kFilterAcks | kDisconnect | kAuth;
constexpr std::uint32_t kEverywhere = kReasoned | kClientOnly | kPublish;

constexpr PropertyRow row(PropertyId id, PropertyKind kind, std::uint32_t packets, const char* name,
                          const char* section, ValueRule rule = ValueRule::any) {
  return {id, kind, packets, packets & ~kServerOnly, packets & ~kClientOnly, 0, rule, name, section};
}

constexpr PropertyRow not_from_client(PropertyRow row, std::uint32_t packets) {
  row.from_client &= ~packets;
  return row;
}

constexpr PropertyRow not_from_server(PropertyRow row, std::uint32_t packets) {
  row.from_server &= ~packets;
  return row;
}

constexpr PropertyRow repeatable(PropertyRow row, std::uint32_t packets) {
  row.repeatable = packets;
  return row;
}

using enum PropertyId;
using Kind = PropertyKind;
using Rule = ValueRule;

constexpr PropertyRow kRows[] = {
    row(payload_format_indicator, Kind::byte, kMessage, "payload-format-indicator", "3.3.2.3.2", Rule::zero_or_one),
    row(message_expiry_interval, Kind::four_byte, kMessage, "message-expiry-interval", "3.3.2.3.3"),
    row(content_type, Kind::text, kMessage, "content-type", "3.3.2.3.9"),
    row(response_topic, Kind::text, kMessage, "response-topic", "MQTT-3.3.2-14", Rule::topic_name),
    row(correlation_data, Kind::binary, kMessage, "correlation-data", "3.3.2.3.6"),
    repeatable(not_from_client(row(subscription_identifier, Kind::varint, kPublish | kSubscribe,
                                   "subscription-identifier", "3.8.2.1.2", Rule::not_zero),
                               kPublish),
               kPublish),
    not_from_server(row(session_expiry_interval, Kind::four_byte, kConnect | kConnack | kDisconnect,
                        "session-expiry-interval", "3.1.2.11.2"),
                    kDisconnect),
    row(assigned_client_identifier, Kind::text, kConnack, "assigned-client-identifier", "3.2.2.3.7"),
    row(server_keep_alive, Kind::two_byte, kConnack, "server-keep-alive", "3.2.2.3.14"),
    row(authentication_method, Kind::text, kConnect | kConnack | kAuth, "authentication-method", "3.1.2.11.9"),
    row(authentication_data, Kind::binary, kConnect | kConnack | kAuth, "authentication-data", "3.1.2.11.10"),
    row(request_problem_information, Kind::byte, kConnect, "request-problem-information", "3.1.2.11.7",
        Rule::zero_or_one),
    row(will_delay_interval, Kind::four_byte, kWillBit, "will-delay-interval", "3.1.3.2.2"),
    row(request_response_information, Kind::byte, kConnect, "request-response-information", "3.1.2.11.6",
        Rule::zero_or_one),
    row(response_information, Kind::text, kConnack, "response-information", "3.2.2.3.15"),
    not_from_client(row(server_reference, Kind::text, kConnack | kDisconnect, "server-reference", "3.2.2.3.16"),
                    kDisconnect),
    row(reason_string, Kind::text, kReasoned, "reason-string", "3.2.2.3.9"),
    row(receive_maximum, Kind::two_byte, kConnect | kConnack, "receive-maximum", "3.1.2.11.3", Rule::not_zero),
    row(topic_alias_maximum, Kind::two_byte, kConnect | kConnack, "topic-alias-maximum", "3.1.2.11.5"),
    row(topic_alias, Kind::two_byte, kPublish, "topic-alias", "MQTT-3.3.2-8", Rule::not_zero),
    row(maximum_qos, Kind::byte, kConnack, "maximum-qos", "3.2.2.3.4", Rule::zero_or_one),
    row(retain_available, Kind::byte, kConnack, "retain-available", "3.2.2.3.5", Rule::zero_or_one),
    repeatable(row(user_property, Kind::text_pair, kEverywhere, "user-property", "3.1.2.11.8"), kEverywhere),
    row(maximum_packet_size, Kind::four_byte, kConnect | kConnack, "maximum-packet-size", "3.1.2.11.4", Rule::not_zero),
    row(wildcard_subscription_available, Kind::byte, kConnack, "wildcard-subscription-available", "3.2.2.3.11",
        Rule::zero_or_one),
    row(subscription_identifier_available, Kind::byte, kConnack, "subscription-identifier-available", "3.2.2.3.12",
        Rule::zero_or_one),
    row(shared_subscription_available, Kind::byte, kConnack, "shared-subscription-available", "3.2.2.3.13",
        Rule::zero_or_one),
};
static_assert(std::size(kRows) == 27);

constexpr std::uint8_t kNoRow = 0xFF;
constexpr std::size_t kIdLimit = 0x2B;

constexpr auto kRowOfId = [] {
  std::array<std::uint8_t, kIdLimit> index{};
  index.fill(kNoRow);
  for (std::size_t i = 0; i < std::size(kRows); ++i)
    index[static_cast<std::uint8_t>(kRows[i].id)] = static_cast<std::uint8_t>(i);
  return index;
}();

}  // namespace

const PropertyRow* property_row(std::uint32_t id) {
  if (id >= kIdLimit || kRowOfId[id] == kNoRow) return nullptr;
  return &kRows[kRowOfId[id]];
}

const PropertyRow* property_row_by_name(std::string_view name) {
  for (const PropertyRow& candidate : kRows) {
    if (name == candidate.name) return &candidate;
  }
  return nullptr;
}

}  // namespace martlet::wire
