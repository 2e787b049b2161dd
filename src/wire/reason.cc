#include "wire/reason.h"

#include <array>
#include <cstddef>

namespace martlet::wire {
namespace {

using Mask = std::uint16_t;  // bit 1 << PacketType

constexpr Mask bit(PacketType type) {
  return static_cast<Mask>(1u << static_cast<unsigned>(type));
}

constexpr Mask kNone = 0;
constexpr Mask kConnack = bit(PacketType::connack);
constexpr Mask kPuback = bit(PacketType::puback);
constexpr Mask kPubrec = bit(PacketType::pubrec);
constexpr Mask kPubrel = bit(PacketType::pubrel);
constexpr Mask kPubcomp = bit(PacketType::pubcomp);
constexpr Mask kSuback = bit(PacketType::suback);
constexpr Mask kUnsuback = bit(PacketType::unsuback);
constexpr Mask kDisconnect = bit(PacketType::disconnect);
constexpr Mask kAuth = bit(PacketType::auth);
constexpr Mask kReceived = kPuback | kPubrec;
constexpr Mask kReleased = kPubrel | kPubcomp;
constexpr Mask kSubscription = kSuback | kUnsuback;

struct ReasonRow {
  ReasonCode code;
  const char* text;
  Mask from_client;  // packets in which a client may use it
  Mask from_server;
};

using enum ReasonCode;

// Section 2.4 with the senders of 3.4.2.1, 3.14.2.1 and 3.15.2.1.
constexpr ReasonRow kRows[] = {
    {success, "success", kReceived | kReleased | kDisconnect,
     kConnack | kReceived | kReleased | kSubscription | kDisconnect | kAuth},
    {granted_qos_1, "granted QoS 1", kNone, kSuback},
    {granted_qos_2, "granted QoS 2", kNone, kSuback},
    {disconnect_with_will, "disconnect with will message", kDisconnect, kNone},
    {no_matching_subscribers, "no matching subscribers", kNone, kReceived},
    {no_subscription_existed, "no subscription existed", kNone, kUnsuback},
    {continue_authentication, "continue authentication", kAuth, kAuth},
    {reauthenticate, "re-authenticate", kAuth, kNone},
    {unspecified_error, "unspecified error", kReceived | kDisconnect,
     kConnack | kReceived | kSubscription | kDisconnect},
    {malformed_packet, "malformed packet", kDisconnect, kConnack | kDisconnect},
    {protocol_error, "protocol error", kDisconnect, kConnack | kDisconnect},
    {implementation_specific_error, "implementation specific error", kReceived | kDisconnect,
     kConnack | kReceived | kSubscription | kDisconnect},
    {unsupported_protocol_version, "unsupported protocol version", kNone, kConnack},
    {client_identifier_not_valid, "client identifier not valid", kNone, kConnack},
    {bad_user_name_or_password, "bad user name or password", kNone, kConnack},
    {not_authorized, "not authorized", kReceived, kConnack | kReceived | kSubscription | kDisconnect},
    {server_unavailable, "server unavailable", kNone, kConnack},
    {server_busy, "server busy", kNone, kConnack | kDisconnect},
    {banned, "banned", kNone, kConnack},
    {server_shutting_down, "server shutting down", kNone, kDisconnect},
    {bad_authentication_method, "bad authentication method", kNone, kConnack | kDisconnect},
    {keep_alive_timeout, "keep alive timeout", kNone, kDisconnect},
    {session_taken_over, "session taken over", kNone, kDisconnect},
    {topic_filter_invalid, "topic filter invalid", kNone, kSubscription | kDisconnect},
    {topic_name_invalid, "topic name invalid", kReceived | kDisconnect, kConnack | kReceived | kDisconnect},
    {packet_identifier_in_use, "packet identifier in use", kReceived, kReceived | kSubscription},
    {packet_identifier_not_found, "packet identifier not found", kReleased, kReleased},
    {receive_maximum_exceeded, "receive maximum exceeded", kDisconnect, kDisconnect},
    {topic_alias_invalid, "topic alias invalid", kDisconnect, kDisconnect},
    {packet_too_large, "packet too large", kDisconnect, kConnack | kDisconnect},
    {message_rate_too_high, "message rate too high", kDisconnect, kDisconnect},
    {quota_exceeded, "quota exceeded", kReceived | kDisconnect, kConnack | kReceived | kSuback | kDisconnect},
    {administrative_action, "administrative action", kDisconnect, kDisconnect},
    {payload_format_invalid, "payload format invalid", kReceived | kDisconnect, kConnack | kReceived | kDisconnect},
    {retain_not_supported, "retain not supported", kNone, kConnack | kDisconnect},
    {qos_not_supported, "QoS not supported", kNone, kConnack | kDisconnect},
    {use_another_server, "use another server", kNone, kConnack | kDisconnect},
    {server_moved, "server moved", kNone, kConnack | kDisconnect},
    {shared_subscriptions_not_supported, "shared subscriptions not supported", kNone, kSuback | kDisconnect},
    {connection_rate_exceeded, "connection rate exceeded", kNone, kConnack | kDisconnect},
    {maximum_connect_time, "maximum connect time", kNone, kDisconnect},
    {subscription_identifiers_not_supported, "subscription identifiers not supported", kNone, kSuback | kDisconnect},
    {wildcard_subscriptions_not_supported, "wildcard subscriptions not supported", kNone, kSuback | kDisconnect},
};

constexpr std::uint8_t kNoRow = 0xFF;

constexpr auto kRowOfCode = [] {
  std::array<std::uint8_t, 256> index{};
  index.fill(kNoRow);
  for (std::size_t i = 0; i < std::size(kRows); ++i)
    index[static_cast<std::uint8_t>(kRows[i].code)] = static_cast<std::uint8_t>(i);
  return index;
}();

const ReasonRow* row_of(ReasonCode code) {
  const std::uint8_t index = kRowOfCode[static_cast<std::uint8_t>(code)];
  return index == kNoRow ? nullptr : &kRows[index];
}

}  // namespace

bool legal_in(ReasonCode code, PacketType type, Sender sender) {
  const ReasonRow* row = row_of(code);
  if (row == nullptr) return false;
  return ((sender == Sender::client ? row->from_client : row->from_server) & bit(type)) != 0;
}

const char* reason_text(ReasonCode code, PacketType type) {
  if (code == success && type == PacketType::suback) return "granted QoS 0";
  if (code == success && type == PacketType::disconnect) return "normal disconnection";
  const ReasonRow* row = row_of(code);
  return row == nullptr ? "unknown reason code" : row->text;
}

std::uint8_t connack_code_v3(ReasonCode code) {
  switch (code) {
    case success:
      return 0;
    case unsupported_protocol_version:
      return 1;
    case client_identifier_not_valid:
      return 2;
    case bad_user_name_or_password:
      return 4;
    // The client itself, or what it asks for, is refused: trying again is of no use.
    case not_authorized:
    case banned:
    case bad_authentication_method:
    case topic_name_invalid:
    case packet_too_large:
    case payload_format_invalid:
    case retain_not_supported:
    case qos_not_supported:
      return 5;
    default:
      return 3;
  }
}

ReasonCode connack_reason_from_v3(std::uint8_t code) {
  static constexpr ReasonCode kReasons[] = {success,
                                            unsupported_protocol_version,
                                            client_identifier_not_valid,
                                            server_unavailable,
                                            bad_user_name_or_password,
                                            not_authorized};
  return code < std::size(kReasons) ? kReasons[code] : unspecified_error;
}

}  // namespace martlet::wire
