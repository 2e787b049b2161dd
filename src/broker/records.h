// What is persisted, one shape for each thing that must survive a crash before it is acknowledged. Views live for the
// call that hands a record over.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "session/message.h"
#include "wire/packet.h"

namespace martlet::broker {

// A message that at least one persistent session is owed, or that comes in at QoS 2 on one.
struct MessageOwed {
  const session::Message& message;
  std::string_view publisher;        // client identifier
  std::uint16_t packet_id_qos2 = 0;  // the incoming identifier that it takes, 0 if none
};
// The retained message of a topic was replaced, or erased by an empty payload.
struct RetainedChanged {
  const session::Message& message;
};
// A persistent session was made, or its expiry changed.
struct SessionChanged {
  std::string_view client_id;
  std::uint32_t expiry_s;
};
struct SessionEnded {
  std::string_view client_id;
};
struct SubscriptionChanged {
  std::string_view client_id;
  std::string_view filter;
  wire::SubscriptionOptions options;
  std::uint32_t identifier;
};
struct SubscriptionRemoved {
  std::string_view client_id;
  std::string_view filter;
};
// An incoming QoS 2 identifier is free again: PUBREL came.
struct IncomingReleased {
  std::string_view client_id;
  std::uint16_t packet_id;
};
// PUBREC came for an outgoing QoS 2 message: it must not be sent again.
struct OutgoingReceived {
  std::string_view client_id;
  std::uint16_t packet_id;
};

using Record = std::variant<MessageOwed, RetainedChanged, SessionChanged, SessionEnded, SubscriptionChanged,
                            SubscriptionRemoved, IncomingReleased, OutgoingReceived>;

}  // namespace martlet::broker
