// One side of an MQTT connection without I/O, for broker and client alike: handshake, QoS, windows, aliases, deadlines.
// Bytes and time come in as arguments; bytes to send go to `out` (the connection's outbox), everything else comes back
// as an Event.
//
// Protocol of use: feed received bytes to receive() until it says NeedMore, acting on each event before the next call;
// call pump() when the outbox has drained; call on_time() at deadline(). One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_chain.h"
#include "base/time.h"
#include "session/alias.h"
#include "session/event.h"
#include "session/gate.h"
#include "session/incoming.h"
#include "session/outgoing.h"
#include "wire/framer.h"
#include "wire/packet.h"

namespace martlet::session {

enum class Role : std::uint8_t { client, server };

// The part of a session that outlives its connections [4.1].
struct SessionState {
  Outgoing outgoing;
  Incoming incoming;
};

// What this side allows the other and itself.
struct EndpointOptions {
  Role role = Role::server;
  std::uint32_t max_packet_bytes = 1u << 20;     // largest packet accepted
  std::uint16_t receive_maximum = 1000;          // QoS 1 and 2 messages that the peer may have unfinished
  std::uint16_t topic_alias_maximum = 16;        // aliases that the peer may define
  std::uint16_t max_in_flight = 65'535;          // unfinished QoS 1 and 2 messages to the peer, whatever it allows
  std::uint32_t max_in_flight_bytes = 1u << 20;  // memory that these take; one message always may; 0: no bound
  std::uint16_t alias_out_maximum = 32;          // aliases that we use at most
  std::uint32_t connect_timeout_ms = 10'000;     // CONNECT, and the whole handshake, must come within
  std::uint32_t outbox_high_bytes = 1u << 20;    // with more than this unsent, deliveries wait in the session
  bool retain_available = true;
  wire::QoS maximum_qos = wire::QoS::exactly_once;
  QueueLimits queue;
  // Server role. Taken off the topic names of what is sent; what lies elsewhere is not the peer's to see, and dropped.
  std::string topic_prefix;
};

// How the server role accepts a CONNECT.
struct UserProperty {
  std::string_view name;
  std::string_view value;
};

struct Acceptance {
  SessionState* state = nullptr;  // must outlive the endpoint or be detached
  bool session_present = false;
  Ticket ticket = Ticket::done();                    // a new persistent session is stored
  std::string_view assigned_client_id;               // empty: the client's own
  std::optional<std::uint16_t> server_keep_alive_s;  // rules in place of the client's [MQTT-3.2.2-21]
  std::optional<std::uint32_t> session_expiry_s;     // when it differs from what was asked
  std::string_view response_information;             // sent only if asked for [MQTT-3.1.2-28]
  ByteView authentication_data;
  // Left out, all of them, where CONNACK would be too large for the client [MQTT-3.2.2-20].
  std::span<const UserProperty> user_properties;
};

class Endpoint {
 public:
  Endpoint(const EndpointOptions& options, const Now& now);
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  // Takes the next packet off `input`. After Refused, DisconnectReceived or Failed no more input is taken.
  Event receive(ByteView& input, const Now& now, ByteChain& out);

  // When on_time() has something to do; kNever if nothing is due. It may lie before the true deadline, never behind.
  DeadlineMs deadline() const;
  // Server role: the owner reads again after a time in which it did not; that time is not the client's silence.
  void reading_resumed(const Now& now);
  // Keep alive and handshake timeouts (Failed), a client's PINGREQ (Handled), or nothing yet (NeedMore).
  Event on_time(const Now& now, ByteChain& out);

  // ---- server role

  // Answers CONNECT with success [MQTT-3.1.4-5] and resumes the session's unfinished deliveries behind it.
  void accept(const Acceptance& acceptance, const Now& now, ByteChain& out, DeliveryObserver& observer);
  // Answers CONNECT with `reason`; the owner closes after the flush [MQTT-3.2.2-7].
  void refuse(wire::ReasonCode reason, std::string_view reason_string, ByteChain& out);
  // SUBACK or UNSUBACK; `reasons` one a filter.
  void answer_request(Ticket ticket, const wire::FilterAck& ack, ByteChain& out);

  // ---- client role

  // Sends CONNECT. `state` must outlive the endpoint; the packet's announced limits are taken from the options.
  void connect(const wire::Connect& packet, SessionState& state, const Now& now, ByteChain& out);
  // Sends SUBSCRIBE or UNSUBSCRIBE under a new identifier, which is returned; 0 if none is free or if the packet
  // exceeds the server's maximum packet size.
  std::uint16_t subscribe(const wire::Subscribe& packet, ByteChain& out);
  std::uint16_t unsubscribe(const wire::Unsubscribe& packet, ByteChain& out);

  // ---- both

  // Sends `delivery` now if the connection, the peer's window and the order allow it, else lets it wait in the session.
  void deliver(const Delivery& delivery, const Now& now, ByteChain& out, DeliveryObserver& observer);
  // Sends what waits, as far as window and outbox allow; with `hold_acknowledged`, new QoS 1 and 2 messages stay.
  void pump(const Now& now, ByteChain& out, DeliveryObserver& observer, bool hold_acknowledged = false);
  // True when a further delivery at `qos` could be sent at once, before all that waits.
  bool can_send(wire::QoS qos, const ByteChain& out) const;
  // Sends `delivery` before all that waits; can_send() must hold.
  void send_ahead(Delivery delivery, const Now& now, ByteChain& out, DeliveryObserver& observer);

  // After PublishReceived: the block of a large packet that arrived in parts, for MessageRef::make(), or null.
  BlockRef take_packet() { return framer_.take_block(); }
  // Answers PublishReceived: the message is owned under `ticket`, or refused by a `reason` of 0x80 or more. At QoS 0
  // nothing is said, but what follows waits for the ticket.
  void publish_done(const wire::Publish& publish, Ticket ticket, wire::ReasonCode reason,
                    std::string_view reason_string, ByteChain& out);
  // Answers ReleaseDue with PUBREL and Released with PUBCOMP.
  void release_sent(std::uint16_t packet_id, Ticket ticket, ByteChain& out);
  void complete(std::uint16_t packet_id, Ticket ticket, ByteChain& out);
  // The log is durable up to `position`.
  void durable(std::uint64_t position, ByteChain& out);

  // Sends AUTH with `reason` (continue_authentication, reauthenticate or success) and the connection's method.
  void send_auth(wire::ReasonCode reason, std::string_view method, ByteView data, ByteChain& out);
  // Says goodbye: DISCONNECT with `reason`, if the peer's version has it; nothing before CONNACK [MQTT-3.14.0-1].
  void disconnect(wire::ReasonCode reason, std::string_view reason_string, ByteChain& out);
  void disconnect(const wire::Disconnect& packet, ByteChain& out);

  wire::ProtocolVersion version() const { return version_; }
  bool connected() const { return phase_ == Phase::connected; }
  bool closed() const { return phase_ == Phase::closed; }
  std::uint16_t keep_alive_s() const { return keep_alive_s_; }
  std::string_view authentication_method() const {
    return authentication_method_ ? std::string_view(*authentication_method_) : std::string_view();
  }
  // Memory of the unfinished packet, and of the acknowledgements that wait for their tickets.
  std::size_t held_bytes() const { return framer_.held_bytes() + gate_.held_bytes(); }
  std::size_t gate_bytes() const { return gate_.held_bytes(); }
  // Number of unfinished deliveries on this connection and how many are allowed.
  std::uint32_t window_used() const { return window_used_; }
  std::uint32_t window_size() const { return window_size_; }
  // Packets written since the last call.
  std::uint32_t take_packets_written() { return std::exchange(packets_written_, 0); }

 private:
  enum class Phase : std::uint8_t { awaiting_connect, deciding, awaiting_connack, connected, closed };

  Event on_frame(const wire::Frame& frame, const Now& now, ByteChain& out);
  Event on_connect(const wire::Connect& connect);
  Event on_connack(const wire::Connack& connack, const Now& now, ByteChain& out);
  Event on_publish(wire::Publish& publish, ByteChain& out);
  Event on_publish_ack(const wire::PublishAck& ack, ByteChain& out);
  Event on_puback(const wire::PublishAck& ack, ByteChain& out);
  Event on_pubrec(const wire::PublishAck& ack, ByteChain& out);
  Event on_pubrel(const wire::PublishAck& ack, ByteChain& out);
  Event on_pubcomp(const wire::PublishAck& ack);
  Event on_request_ack(const wire::FilterAck& ack, ByteChain& out);
  Event on_auth(const wire::Auth& auth, ByteChain& out);
  Event on_disconnect(const wire::Disconnect& disconnect, ByteChain& out);
  Event dispatch(wire::Packet& packet, const Now& now, ByteChain& out);
  Event finish(InFlight& entry, wire::ReasonCode reason);
  std::optional<wire::DecodeError> check_publish(wire::Publish& publish);
  bool awaited(wire::PacketType type) const;

  Event fail(const wire::DecodeError& error, ByteChain& out);
  Event fail_connect(const wire::Frame& frame, const wire::DecodeError& error, ByteChain& out);

  // Writes the packet if the peer's maximum packet size allows it; false if not.
  bool write(const wire::Packet& packet, ByteChain& out);
  // As write(), behind the gate. When a packet that `ends_exchange` leaves, the peer may send one message more.
  bool pass_gate(Ticket ticket, const wire::Packet& packet, ByteChain& out, bool ends_exchange = false);
  bool fits(const wire::Packet& packet) const;
  wire::ReasonCode legal_reason(wire::ReasonCode reason, wire::PacketType type) const;
  std::uint16_t send_request(std::uint16_t packet_id, const wire::Packet& packet, ByteChain& out);
  // CONNACK waits for its ticket: nothing may overtake it [MQTT-3.2.0-1].
  bool connack_held() const { return !connack_ticket_.resolved(gate_.durable_position()); }
  void send_publish_ack(wire::PacketType type, std::uint16_t packet_id, Ticket ticket, wire::ReasonCode reason,
                        std::string_view reason_string, ByteChain& out, bool ends_exchange = false);

  // False if not even the `needed` properties fit the client's maximum packet size.
  bool pass_connack(const Acceptance& acceptance, const wire::PropertyWriter& needed, ByteChain& out);
  void begin_connected(SessionState& state, const Now& now);
  bool outbox_open(const ByteChain& out) const { return out.size() < options_.outbox_high_bytes; }
  bool send_window_open() const { return window_used_ < window_size_; }
  // Further QoS 1 and 2 messages may be sent, besides those that are unfinished.
  bool may_send_new() const {
    return send_window_open() && state_->outgoing.identifiers_left() &&
           !state_->outgoing.flight_full(options_.max_in_flight_bytes) && !state_->outgoing.next_to_resend();
  }
  void resend(const Now& now, ByteChain& out, DeliveryObserver& observer);
  // Writes one PUBLISH, which leaves when `ticket` is resolved; or why the peer must not get it.
  std::optional<DropReason> write_publish(const Delivery& delivery, std::uint16_t packet_id, bool dup, Ticket ticket,
                                          const Now& now, ByteChain& out);
  bool send_qos0(const Delivery& delivery, const Now& now, ByteChain& out, DeliveryObserver& observer);
  bool send_new(Delivery delivery, const Now& now, ByteChain& out, DeliveryObserver& observer);
  void take_window(InFlight& entry);
  void give_window(InFlight& entry);
  wire::Sender peer() const { return options_.role == Role::server ? wire::Sender::client : wire::Sender::server; }

  const EndpointOptions& options_;
  SessionState* state_ = nullptr;
  wire::Framer framer_;
  Gate gate_;
  Ticket connack_ticket_ = Ticket::done();
  IncomingAliases incoming_aliases_;
  OutgoingAliases outgoing_aliases_;
  void set_authentication_method(std::string_view method);
  std::unique_ptr<std::string> authentication_method_;  // null: none
  // Client role: deliveries that the server had received before it lost the session; receive() tells them one by one.
  std::unique_ptr<std::vector<DeliveryFinished>> finished_before_;

  // Until the connection is up: its begin. Then the server's last whole packet, or the client's last PINGREQ.
  std::int64_t last_received_ms_ = 0;
  std::uint32_t peer_max_packet_bytes_ = 0;  // 0: no limit
  std::uint32_t packets_written_ = 0;
  std::uint32_t window_used_ = 0;  // our unfinished messages on this connection
  std::uint32_t window_size_ = 0;
  std::uint32_t received_unfinished_ = 0;  // the peer's, against our receive maximum
  std::uint16_t keep_alive_s_ = 0;
  wire::QoS peer_maximum_qos_ = wire::QoS::exactly_once;
  wire::ProtocolVersion version_ = wire::ProtocolVersion::v5_0;
  Phase phase_;
  bool problem_information_ = true;
  bool response_information_ = false;
  bool ping_outstanding_ = false;
  bool reauthenticating_ = false;
  bool asked_clean_start_ = false;
  bool peer_retain_available_ = true;
  bool released_in_window_ = false;  // the PUBREL that the owner deals with freed one unit of our receive maximum
  bool may_set_expiry_ = true;       // CONNECT asked for a session that outlives the connection [3.14.2.2.2]
};

}  // namespace martlet::session
