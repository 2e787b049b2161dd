// Shared by the room's tests: packets and events as short texts, an endpoint with its surroundings.
#pragma once

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "session/endpoint.h"
#include "wire/decode.h"
#include "wire/encode.h"
#include "wire/framer.h"

namespace martlet::session::test {

using Bytes = std::vector<std::uint8_t>;
using Texts = std::vector<std::string>;

// All bytes of the chain, which is empty afterwards.
inline Bytes take_bytes(ByteChain& chain) {
  Bytes bytes;
  while (!chain.empty()) {
    ByteView view;
    chain.front(&view, 1);
    bytes.insert(bytes.end(), view.begin(), view.end());
    chain.consume(view.size());
  }
  return bytes;
}

inline Bytes encoded(const wire::Packet& packet, wire::ProtocolVersion version) {
  ByteChain chain;
  wire::encode(packet, version, chain);
  return take_bytes(chain);
}

// " 1F=text 21=20": identifiers in hexadecimal.
inline std::string describe(const wire::Properties& properties) {
  std::string text;
  properties.for_each([&](const wire::Property& property) {
    text += fmt::format(" {:02X}=", static_cast<unsigned>(property.id));
    if (property.name.empty() && property.value.empty()) {
      text += std::to_string(property.number);
    } else {
      text += property.name;
      text += as_text(property.value);
    }
  });
  return text;
}

// For example "PUBLISH 7 qos1 dup t=payload", "PUBACK 7 00", "DISCONNECT 8E 1F=why".
struct PacketDescriber {
  std::string operator()(const wire::Connect& p) const {
    return fmt::format("CONNECT {}{}", p.client_id, describe(p.properties));
  }
  std::string operator()(const wire::Connack& p) const {
    return fmt::format("CONNACK {:02X}{}{}", static_cast<unsigned>(p.reason), p.session_present ? " present" : "",
                       describe(p.properties));
  }
  std::string operator()(const wire::Publish& p) const {
    return fmt::format("PUBLISH {} qos{}{}{} {}={}{}", p.packet_id, static_cast<unsigned>(p.qos), p.dup ? " dup" : "",
                       p.retain ? " retain" : "", p.topic, as_text(p.payload), describe(p.properties));
  }
  std::string operator()(const wire::PublishAck& p) const {
    return fmt::format("{} {} {:02X}{}", wire::packet_name(p.type), p.packet_id, static_cast<unsigned>(p.reason),
                       describe(p.properties));
  }
  std::string operator()(const wire::Subscribe& p) const { return fmt::format("SUBSCRIBE {}", p.packet_id); }
  std::string operator()(const wire::Unsubscribe& p) const { return fmt::format("UNSUBSCRIBE {}", p.packet_id); }
  std::string operator()(const wire::FilterAck& p) const {
    std::string text = fmt::format("{} {}", wire::packet_name(p.type), p.packet_id);
    for (std::uint8_t reason : p.reasons) text += fmt::format(" {:02X}", reason);
    return text + describe(p.properties);
  }
  std::string operator()(const wire::Pingreq&) const { return "PINGREQ"; }
  std::string operator()(const wire::Pingresp&) const { return "PINGRESP"; }
  std::string operator()(const wire::Disconnect& p) const {
    return fmt::format("DISCONNECT {:02X}{}", static_cast<unsigned>(p.reason), describe(p.properties));
  }
  std::string operator()(const wire::Auth& p) const {
    return fmt::format("AUTH {:02X}{}", static_cast<unsigned>(p.reason), describe(p.properties));
  }
};

inline std::string describe(const wire::Packet& packet) {
  return std::visit(PacketDescriber(), packet);
}

struct EventDescriber {
  std::string operator()(const NeedMore&) const { return "need more"; }
  std::string operator()(const Handled&) const { return "handled"; }
  std::string operator()(const ConnectRequested& e) const { return "requested " + describe(wire::Packet(e.connect)); }
  std::string operator()(const Connected& e) const { return "connected " + describe(wire::Packet(e.connack)); }
  std::string operator()(const Refused& e) const { return "refused " + describe(wire::Packet(e.connack)); }
  std::string operator()(const PublishReceived& e) const { return "received " + describe(wire::Packet(e.publish)); }
  std::string operator()(const SubscribeRequested& e) const {
    return "requested " + describe(wire::Packet(e.subscribe));
  }
  std::string operator()(const UnsubscribeRequested& e) const {
    return "requested " + describe(wire::Packet(e.unsubscribe));
  }
  std::string operator()(const RequestAnswered& e) const { return "answered " + describe(wire::Packet(e.ack)); }
  std::string operator()(const DeliveryFinished& e) const {
    return fmt::format("finished {} {:02X} {}", e.packet_id, static_cast<unsigned>(e.reason),
                       e.delivery.message->topic());
  }
  std::string operator()(const ReleaseDue& e) const { return fmt::format("release due {}", e.packet_id); }
  std::string operator()(const Released& e) const { return fmt::format("released {}", e.packet_id); }
  std::string operator()(const AuthReceived& e) const {
    return fmt::format("auth{} {}", e.restart ? " restart" : "", describe(wire::Packet(e.auth)));
  }
  std::string operator()(const DisconnectReceived& e) const { return describe(wire::Packet(e.disconnect)); }
  std::string operator()(const Failed& e) const {
    return fmt::format("failed {:02X} {}", static_cast<unsigned>(e.error.reason), e.error.clause);
  }
};

inline std::string describe(const Event& event) {
  return std::visit(EventDescriber(), event);
}

// What `sender` wrote to `out`, which is empty afterwards; "illegal" for a packet that does not decode.
inline Texts take_packets(ByteChain& out, wire::ProtocolVersion version, wire::Sender sender) {
  const Bytes bytes = take_bytes(out);
  Texts texts;
  wire::Framer framer(wire::kMaxPacketBytes);
  wire::Frame frame;
  ByteView rest = bytes;
  wire::FrameStatus status = wire::FrameStatus::frame;
  while ((status = framer.next(rest, frame)) == wire::FrameStatus::frame) {
    const auto packet = wire::decode(frame.first_byte, frame.body, version, sender);
    texts.push_back(packet ? describe(*packet) : fmt::format("illegal: {}", packet.error().what));
  }
  if (status != wire::FrameStatus::need_more || framer.held_bytes() > 0) texts.push_back("illegal: no whole packet");
  return texts;
}

inline MessageRef message(std::string_view topic, std::string_view payload = "x", const MessageFacts& facts = {}) {
  return MessageRef::make(topic, as_bytes(payload), {}, facts);
}

inline Delivery delivery(std::string_view topic, unsigned qos, std::string_view payload = "x",
                         std::uint32_t origin = 0) {
  Delivery made;
  made.message = message(topic, payload);
  made.qos = static_cast<wire::QoS>(qos);
  made.origin = origin;
  return made;
}

// Notes what the observer hears, for example "sent t", "dropped t queue_full".
class Recorder : public DeliveryObserver {
 public:
  void sent(const Delivery& delivery) override { note("sent ", delivery, ""); }
  void queued(const Delivery& delivery) override { note("queued ", delivery, ""); }
  void dropped(const Delivery& delivery, DropReason reason) override {
    static constexpr const char* kReasons[] = {" expired", " queue_full", " too_large", " offline", " hidden"};
    note("dropped ", delivery, kReasons[static_cast<std::size_t>(reason)]);
  }
  Texts take() { return std::exchange(heard_, {}); }

 private:
  void note(const char* what, const Delivery& delivery, const char* reason) {
    heard_.push_back(what + std::string(delivery.message->topic()) + reason);
  }
  Texts heard_;
};

// An endpoint with its outbox, observer and clock. The session is the test's, so that it can outlive the connection.
class Side {
 public:
  Side(SessionState& state, Role role) : state_(state) { options.role = role; }

  // A new connection, with the options as they are now.
  void open() {
    out.clear();
    endpoint.emplace(options, now);
  }
  // The peer's packet comes in; what the endpoint told, and what it wrote, since the last call.
  std::string feed(const wire::Packet& packet) { return feed_bytes(encoded(packet, version)); }
  std::string feed_bytes(const Bytes& bytes) {
    input_ = bytes;
    ByteView view = input_;
    return describe(endpoint->receive(view, now, out));
  }
  std::string feed_ack(wire::PacketType type, std::uint16_t packet_id,
                       wire::ReasonCode reason = wire::ReasonCode::success) {
    return feed(wire::PublishAck{type, packet_id, reason, {}});
  }
  Texts written() {
    return take_packets(out, version, options.role == Role::server ? wire::Sender::server : wire::Sender::client);
  }
  void deliver(Delivery made) { endpoint->deliver(std::move(made), now, out, observer); }
  void pump() { endpoint->pump(now, out, observer); }
  void pass_ms(std::int64_t ms) {
    now.mono_ms += ms;
    now.wall_ms += ms;
  }
  std::string on_time() { return describe(endpoint->on_time(now, out)); }

  // Server: takes `connect` and accepts it.
  void accept(const wire::Connect& connect = {}, Ticket ticket = Ticket::done(), bool present = false) {
    version = connect.version;
    feed(connect);
    Acceptance acceptance;
    acceptance.state = &state_;
    acceptance.session_present = present;
    acceptance.ticket = ticket;
    endpoint->accept(acceptance, now, out, observer);
  }
  // Client: sends `connect` and is welcomed with `connack`.
  void welcome(const wire::Connect& connect = {}, const wire::Connack& connack = {}) {
    version = connect.version;
    endpoint->connect(connect, state_, now, out);
    out.clear();
    feed(connack);
    pump();
  }

  EndpointOptions options;
  std::optional<Endpoint> endpoint;
  ByteChain out;
  Recorder observer;
  Now now{1000, 1'700'000'000'000};
  wire::ProtocolVersion version = wire::ProtocolVersion::v5_0;

 private:
  SessionState& state_;
  Bytes input_;
};

}  // namespace martlet::session::test
