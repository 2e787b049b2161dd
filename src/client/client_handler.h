// What the user of a client is told. All calls come from inside Client::turn(). Every function of the client may be
// called back from here except turn(). Views die on return.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"
#include "client/request_book.h"
#include "wire/packet.h"

namespace martlet::client {

// Names a publish from the call until it is finished; 0 is none.
using PublishHandle = std::uint32_t;

// Names a received message of QoS 1 or 2 for Client::acknowledge(). It ends with its connection: a message that was not
// acknowledged by then comes again.
struct AckToken {
  std::uint32_t connection = 0;
  std::uint16_t packet_id = 0;
  wire::QoS qos = wire::QoS::at_most_once;
};

// Who acknowledges a message.
enum class AckBy : std::uint8_t {
  client,  // the client, on return from message()
  user,    // the user, by acknowledge()
};

enum class LossCause : std::uint8_t {
  connect_failed,     // no connection came up; `text` says why
  connection_lost,    // it broke, or the server closed it without a word
  server_disconnect,  // the server sent DISCONNECT with `reason`
  server_silent,      // no CONNACK, or no answer to a ping, in time
  protocol_breach,    // the server broke a rule (`text`, `reason`)
};

struct Loss {
  LossCause cause = LossCause::connection_lost;
  wire::ReasonCode reason = wire::ReasonCode::success;
  std::string text = {};
  std::string server_reference = {};  // where a redirect points [4.11]; following it is up to the user
  bool was_connected = false;         // a CONNACK had come
  DeadlineMs retry_at = kNever;       // kNever: the client stops
};

class ClientHandler {
 public:
  virtual ~ClientHandler() = default;

  // CONNACK with success. What was in flight is being sent again.
  virtual void connected(const wire::Connack& connack) { (void)connack; }
  // CONNACK with an error; `retry_at` kNever: the client stops. A redirect is in its server reference [4.11].
  virtual void refused(const wire::Connack& connack, DeadlineMs retry_at) {
    (void)connack;
    (void)retry_at;
  }
  virtual void lost(const Loss& loss) { (void)loss; }
  virtual AckBy message(const wire::Publish& publish, const AckToken& token) {
    (void)publish;
    (void)token;
    return AckBy::client;
  }
  // The publish is over: sent (QoS 0), acknowledged (QoS 1 and 2), refused by the server's `reason`, or dropped here
  // (quota_exceeded: the outbox was full; packet_too_large; retain_not_supported; implementation_specific_error: its
  // message expiry passed first).
  virtual void published(PublishHandle handle, wire::ReasonCode reason) {
    (void)handle;
    (void)reason;
  }
  // SUBACK or UNSUBACK for `handle`; once more for each time that it is sent again. A request above the server's
  // maximum packet size is answered here, with packet_too_large for each filter.
  virtual void answered(RequestHandle handle, const wire::FilterAck& ack) {
    (void)handle;
    (void)ack;
  }
  // All events of a turn are handled; what they caused, acknowledgements above all, is sent on return.
  virtual void before_sending() {}
  // A handle given to Client::watch() is readable.
  virtual void external_ready(std::uint32_t token) { (void)token; }
};

// Sees every packet in both directions. Costs a second decoding: for debugging.
class PacketTrace {
 public:
  virtual ~PacketTrace() = default;
  virtual void sent(const wire::Packet& packet) = 0;
  virtual void received(const wire::Packet& packet) = 0;
};

}  // namespace martlet::client
