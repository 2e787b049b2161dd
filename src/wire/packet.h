// The one shape of each packet, for every protocol version: 3.1 and 3.1.1 are 5.0 with defaults. All members are views
// into the bytes that were decoded, or into what the writer of the packet owns.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "wire/properties.h"
#include "wire/reason.h"
#include "wire/types.h"

namespace martlet::wire {

struct Will {
  std::string_view topic;
  ByteView payload;
  QoS qos = QoS::at_most_once;
  bool retain = false;
  Properties properties;
};

struct Connect {
  ProtocolVersion version = ProtocolVersion::v5_0;
  bool clean_start = true;  // "clean session" in 3.x
  std::uint16_t keep_alive_s = 0;
  std::string_view client_id;
  std::optional<Will> will;
  std::optional<std::string_view> username;
  std::optional<ByteView> password;
  Properties properties;
};

struct Connack {
  bool session_present = false;
  ReasonCode reason = ReasonCode::success;
  Properties properties;
};

struct Publish {
  std::string_view topic;  // empty when a topic alias stands for it
  ByteView payload;
  QoS qos = QoS::at_most_once;
  bool dup = false;
  bool retain = false;
  std::uint16_t packet_id = 0;  // 0 at QoS 0
  Properties properties;
};

// PUBACK, PUBREC, PUBREL or PUBCOMP.
struct PublishAck {
  PacketType type = PacketType::puback;
  std::uint16_t packet_id = 0;
  ReasonCode reason = ReasonCode::success;
  Properties properties;
};

// How a subscription wants its messages; in 3.x only `qos` can be said [3.8.3.1].
struct SubscriptionOptions {
  QoS qos = QoS::at_most_once;
  bool no_local = false;
  bool retain_as_published = false;
  std::uint8_t retain_handling = 0;  // 0 send, 1 send if new, 2 do not send

  std::uint8_t to_byte() const;
  static SubscriptionOptions from_byte(std::uint8_t byte);
};

struct FilterEntry {
  std::string_view filter;
  SubscriptionOptions options;
};

// A list of topic filters in wire form, with an options byte each (SUBSCRIBE) or without (UNSUBSCRIBE).
class FilterList {
 public:
  FilterList() = default;
  // `raw` was validated by the decoder or written by FilterListWriter.
  FilterList(ByteView raw, bool with_options) : raw_(raw), with_options_(with_options) {}

  ByteView raw() const { return raw_; }
  std::size_t count() const;
  bool empty() const { return raw_.empty(); }
  // Takes the first entry off; there must be one.
  FilterEntry take_first() { return take_entry(raw_, with_options_); }

  // Calls visit(const FilterEntry&) in the packet's order.
  template <class Visitor>
  void for_each(Visitor&& visit) const {
    ByteView rest = raw_;
    while (!rest.empty()) visit(take_entry(rest, with_options_));
  }

 private:
  static FilterEntry take_entry(ByteView& rest, bool with_options);
  ByteView raw_;
  bool with_options_ = true;
};

class FilterListWriter {
 public:
  explicit FilterListWriter(bool with_options) : with_options_(with_options) {}
  void add(const FilterEntry& entry);
  FilterList list() const { return {bytes_, with_options_}; }

 private:
  std::vector<std::uint8_t> bytes_;
  bool with_options_;
};

struct Subscribe {
  std::uint16_t packet_id = 0;
  Properties properties;
  FilterList filters;
};

struct Unsubscribe {
  std::uint16_t packet_id = 0;
  Properties properties;
  FilterList filters;
};

// SUBACK or UNSUBACK; one ReasonCode byte a filter, in the order of the request. A 3.x UNSUBACK carries none, and a 3.x
// SUBACK writes every failure as 0x80.
struct FilterAck {
  PacketType type = PacketType::suback;
  std::uint16_t packet_id = 0;
  Properties properties;
  ByteView reasons;
};

struct Pingreq {};
struct Pingresp {};

struct Disconnect {
  ReasonCode reason = ReasonCode::success;
  Properties properties;
};

struct Auth {
  ReasonCode reason = ReasonCode::success;
  Properties properties;
};

using Packet = std::variant<Connect, Connack, Publish, PublishAck, Subscribe, FilterAck, Unsubscribe, Pingreq, Pingresp,
                            Disconnect, Auth>;

PacketType type_of(const Packet& packet);

}  // namespace martlet::wire
