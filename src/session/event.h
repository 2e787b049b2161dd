// What an endpoint tells its owner after each packet. Views die with the next call to the endpoint, or with the input.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "session/delivery.h"
#include "wire/decode.h"
#include "wire/packet.h"

namespace martlet::session {

// The input is used up.
struct NeedMore {};
// A packet was dealt with inside the endpoint; call receive() again.
struct Handled {};

// Server role: CONNECT came. Answer with accept(), challenge() or refuse().
struct ConnectRequested {
  wire::Connect connect;
};
// Client role: CONNACK with success came; the connection is up and unfinished deliveries are being sent again.
struct Connected {
  wire::Connack connack;
};
// Client role: CONNACK refused the connection. The owner closes.
struct Refused {
  wire::Connack connack;
};
// A new message. Answer QoS 1 and 2 with publish_done(). `publish.topic` is the name, whether or not an alias stood for
// it.
struct PublishReceived {
  wire::Publish publish;
};
struct SubscribeRequested {
  wire::Subscribe subscribe;
};
struct UnsubscribeRequested {
  wire::Unsubscribe unsubscribe;
};
// SUBACK or UNSUBACK to a request of ours.
struct RequestAnswered {
  wire::FilterAck ack;
};
// A delivery is over: PUBACK, PUBCOMP, or a PUBREC that refuses it [MQTT-4.4.0-2].
struct DeliveryFinished {
  Delivery delivery;
  std::uint16_t packet_id;
  wire::ReasonCode reason;
};
// PUBREC came for an outgoing QoS 2 message. Store that, then call release_sent() with the ticket.
struct ReleaseDue {
  std::uint16_t packet_id;
  std::uint64_t position;  // as Delivery::position
};
// PUBREL came and the incoming identifier is free. Store that, then call complete() with the ticket.
struct Released {
  std::uint16_t packet_id;
};
// AUTH came: a step of the exchange before CONNACK, or of a re-authentication (`restart` on its first).
struct AuthReceived {
  wire::Auth auth;
  bool restart;
};
// The peer said goodbye; nothing follows [MQTT-3.14.4-1]. The owner closes.
struct DisconnectReceived {
  wire::Disconnect disconnect;
};
// The peer broke a rule or fell silent. What may be said to it is already written; the owner closes after the flush.
struct Failed {
  wire::DecodeError error;
};

using Event = std::variant<NeedMore, Handled, ConnectRequested, Connected, Refused, PublishReceived, SubscribeRequested,
                           UnsubscribeRequested, RequestAnswered, DeliveryFinished, ReleaseDue, Released, AuthReceived,
                           DisconnectReceived, Failed>;

}  // namespace martlet::session
