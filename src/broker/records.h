// What is persisted, one shape for each thing that must survive a crash before it is acknowledged. Views live for the
// call that hands a record over.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "session/message.h"
#include "wire/packet.h"

namespace martlet::broker {

// One session's share of a message: how it gets it.
struct Owed {
  std::uint64_t session_key = 0;  // or a core's, see neighbours.h
  wire::QoS qos = wire::QoS::at_most_once;
  bool retain = false;
  bool ahead = false;      // retained, for a new subscription: it is older than what else waits
  std::string_view share;  // the shared subscription that it comes from, empty for none
  std::span<const std::uint32_t> identifiers;
};

// A message that persistent sessions are owed: one record in the log, whatever their number. It takes the position that
// RecordSink::next_position() had named.
struct MessageOwed {
  const session::Message& message;
  std::uint64_t publisher_key = 0;   // of a persistent session that published it at QoS 2, with ...
  std::uint16_t packet_id_qos2 = 0;  // ... the incoming identifier that it takes; else 0
  std::span<const Owed> owed;
};
// A message goes from the one who was owed it at `position` to others: a shared subscription's to another member, or
// what was owed to a core's sessions to those that it has found, perhaps to nobody. It takes a position itself, which
// is the new receivers': what is owed to a session below its cursor must be finished.
struct HandedOver {
  std::uint64_t position = 0;
  std::uint64_t from_key = 0;
  const session::Message& message;
  std::span<const Owed> to;
};
// Nothing below `position` is owed any more.
struct Trimmed {
  std::uint64_t position = 0;
};

// The retained message of a topic was replaced, or erased by an empty payload.
struct RetainedChanged {
  const session::Message& message;
};

// A persistent session as it is now. Everything owed to it below `cursor` is finished. Without a client identifier it
// has ended, or ends with its connection: no client gets it back, its subscriptions and exchanges mean nothing, and of
// what it is owed only what shared subscriptions gave it is left, for other members.
struct SessionChanged {
  std::uint64_t key = 0;
  std::string_view client_id;
  std::uint32_t expiry_s = 0;
  std::uint64_t cursor = 0;
  std::int64_t away_since_wall_ms = 0;  // 0: connected
  std::uint64_t maybe_sent_below = 0;   // of a session that is away: QoS 1 messages below may have been sent
  std::string_view username = {};       // that its client was known by last; empty: none
  std::string_view listener = {};       // through which its client came last; empty: the only one
};
struct SessionEnded {
  std::uint64_t key = 0;
};
// `retained_from` is set while retained messages are on their way to the subscription: where their visit goes on. Those
// with QoS 1 and 2 before it are in the log.
struct SubscriptionChanged {
  std::uint64_t key = 0;
  std::string_view filter;
  wire::SubscriptionOptions options;
  std::uint32_t identifier = 0;
  std::optional<std::string_view> retained_from = {};
};
struct SubscriptionRemoved {
  std::uint64_t key = 0;
  std::string_view filter;
};

// An incoming QoS 2 identifier is taken by a message that nobody persistent is owed; or free again: PUBREL came.
struct IncomingTaken {
  std::uint64_t key = 0;
  std::uint16_t packet_id = 0;
};
struct IncomingReleased {
  std::uint64_t key = 0;
  std::uint16_t packet_id = 0;
};

// How far the QoS 2 delivery of the message at `position` is. `finished` is kept until the cursor is past it, then
// `forgotten` removes it.
enum class ExchangeState : std::uint8_t { sending, received, finished, forgotten };
struct OutgoingChanged {
  std::uint64_t key = 0;
  std::uint64_t position = 0;
  std::uint16_t packet_id = 0;
  ExchangeState state = ExchangeState::sending;
};

// The will of a client that is connected, or that waits for its delay. Without a message: there is none any more.
struct WillChanged {
  std::string_view client_id;
  const session::Message* message = nullptr;
  std::uint32_t delay_s = 0;
  std::optional<std::uint32_t> expiry_s;
};

using Record =
    std::variant<MessageOwed, HandedOver, Trimmed, RetainedChanged, SessionChanged, SessionEnded, SubscriptionChanged,
                 SubscriptionRemoved, IncomingTaken, IncomingReleased, OutgoingChanged, WillChanged>;

}  // namespace martlet::broker
