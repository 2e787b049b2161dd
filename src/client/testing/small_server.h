// A server for client tests: real loopback sockets, the session's endpoint in the server role, one connection at a
// time, and the ways in which a server can fail on command. Turned by the test, in its thread.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/posix/system.h"
#include "net/reactor.h"
#include "session/endpoint.h"

namespace martlet::client::testing {

struct ReceivedMessage {
  std::string topic;
  std::string payload;
  wire::QoS qos;
  bool dup;
  bool retain;
};

class SmallServer final : public net::ReactorHandler, public session::DeliveryObserver {
 public:
  SmallServer(env::Network& network, env::Clock& clock)
      : reactor_(network, clock, *this), listener_(reactor_.listen({"127.0.0.1", 0}).value()) {
    options.role = session::Role::server;
    state = std::make_unique<session::SessionState>();
  }

  env::Endpoint at() { return reactor_.local_endpoint(listener_).value(); }
  void turn() { reactor_.turn(0); }

  // Sends a message to the client.
  void send(std::string_view topic, std::string_view payload, wire::QoS qos) {
    session::Delivery delivery;
    delivery.message = session::MessageRef::make(topic, as_bytes(payload), {}, {.qos = qos});
    delivery.qos = qos;
    endpoint_->deliver(std::move(delivery), reactor_.now(), reactor_.outbox(connection_), *this);
    reactor_.touch(connection_);
  }
  void say_goodbye(const wire::Disconnect& packet) {
    endpoint_->disconnect(packet, reactor_.outbox(connection_));
    reactor_.close_after_flush(connection_, kNever);
    connection_ = {};
  }
  // The network breaks.
  void cut() {
    reactor_.close(connection_);
    connection_ = {};
  }
  // What the client's first packets are, until it lets go again.
  bool has_client() const { return static_cast<bool>(connection_); }

  // What happened.
  std::vector<ReceivedMessage> messages;  // each new one, once
  std::vector<std::string> subscribed;
  std::vector<std::string> unsubscribed;
  std::vector<std::string> connects;  // client identifiers
  std::vector<bool> clean_starts;
  std::optional<wire::ReasonCode> goodbye;
  std::uint32_t goodbye_expiry_s = 0;
  std::uint32_t most_unanswered = 0;
  std::size_t lost = 0;

  // What it does.
  session::EndpointOptions options;
  std::unique_ptr<session::SessionState> state;
  bool present = true;                                   // keeps the session when there was a connection before
  std::size_t cut_after_publishes = SIZE_MAX;            // cuts instead of answering the n-th from now
  std::size_t cut_after_releases = SIZE_MAX;             // the same for PUBREL
  bool hold_answers = false;                             // until answer_held()
  wire::ReasonCode connack = wire::ReasonCode::success;  // else it refuses
  std::string connack_text;
  std::string assigned_client_id;

  void answer_held() {
    hold_answers = false;
    for (const wire::Publish& publish : held_) {
      endpoint_->publish_done(publish, Ticket::done(), wire::ReasonCode::success, {}, reactor_.outbox(connection_));
    }
    held_.clear();
    reactor_.touch(connection_);
  }

 private:
  void accepted(net::ConnectionId id, net::ListenerId, std::string_view) override {
    connection_ = id;
    endpoint_.emplace(options, reactor_.now());
    held_.clear();
  }
  void connected(net::ConnectionId) override {}
  void drained(net::ConnectionId) override {}
  void refused(net::ListenerId, net::RefuseReason) override {}
  void external_ready(std::uint32_t) override {}
  void closed(net::ConnectionId id, net::CloseReason, int) override {
    ++lost;
    if (id == connection_) connection_ = {};
  }
  void received(net::ConnectionId id, ByteView bytes) override {
    if (id != connection_) return;
    ByteChain& out = reactor_.outbox(id);
    while (id == connection_) {
      session::Event event = endpoint_->receive(bytes, reactor_.now(), out);
      if (std::holds_alternative<session::NeedMore>(event)) break;
      handle(event, out);
    }
    if (id != connection_) return;
    endpoint_->pump(reactor_.now(), out, *this);
    reactor_.touch(id);
  }

  void handle(session::Event& event, ByteChain& out) {
    if (auto* connect = std::get_if<session::ConnectRequested>(&event)) {
      decide(connect->connect, out);
    } else if (auto* publish = std::get_if<session::PublishReceived>(&event)) {
      take(publish->publish, out);
    } else if (auto* subscribe = std::get_if<session::SubscribeRequested>(&event)) {
      subscribe->subscribe.filters.for_each([&](const auto& entry) { subscribed.emplace_back(entry.filter); });
      answer(wire::PacketType::suback, subscribe->subscribe.packet_id, subscribe->subscribe.filters.count(), out);
    } else if (auto* unsubscribe = std::get_if<session::UnsubscribeRequested>(&event)) {
      unsubscribe->unsubscribe.filters.for_each([&](const auto& entry) { unsubscribed.emplace_back(entry.filter); });
      answer(wire::PacketType::unsuback, unsubscribe->unsubscribe.packet_id, unsubscribe->unsubscribe.filters.count(),
             out);
    } else if (auto* due = std::get_if<session::ReleaseDue>(&event)) {
      endpoint_->release_sent(due->packet_id, Ticket::done(), out);
    } else if (auto* released = std::get_if<session::Released>(&event)) {
      if (cut_after_releases != SIZE_MAX && cut_after_releases-- == 0) {
        cut_after_releases = SIZE_MAX;
        return cut();
      }
      endpoint_->complete(released->packet_id, Ticket::done(), out);
    } else if (auto* goodbye_event = std::get_if<session::DisconnectReceived>(&event)) {
      goodbye = goodbye_event->disconnect.reason;
      goodbye_expiry_s = goodbye_event->disconnect.properties.number_or(wire::PropertyId::session_expiry_interval, 0);
    } else if (auto* failed = std::get_if<session::Failed>(&event)) {
      ADD_FAILURE() << "the client broke " << failed->error.clause << ": " << failed->error.what;
    }
  }

  void decide(const wire::Connect& connect, ByteChain& out) {
    const bool first = connects.empty();
    connects.emplace_back(connect.client_id);
    clean_starts.push_back(connect.clean_start);
    if (connack != wire::ReasonCode::success) {
      endpoint_->refuse(connack, connack_text, out);
      reactor_.close_after_flush(connection_, kNever);
      connection_ = {};
      return;
    }
    session::Acceptance acceptance;
    acceptance.session_present = present && !first && !connect.clean_start;
    if (!acceptance.session_present) *state = session::SessionState();
    acceptance.state = state.get();
    if (connect.client_id.empty()) acceptance.assigned_client_id = assigned_client_id;
    endpoint_->accept(acceptance, reactor_.now(), out, *this);
  }

  void take(const wire::Publish& publish, ByteChain& out) {
    if (cut_after_publishes != SIZE_MAX && cut_after_publishes-- == 0) {
      cut_after_publishes = SIZE_MAX;
      return cut();
    }
    messages.push_back(
        {std::string(publish.topic), std::string(as_text(publish.payload)), publish.qos, publish.dup, publish.retain});
    if (hold_answers) {
      wire::Publish kept;
      kept.qos = publish.qos;
      kept.packet_id = publish.packet_id;
      held_.push_back(kept);
      most_unanswered = std::max(most_unanswered, static_cast<std::uint32_t>(held_.size()));
      return;
    }
    endpoint_->publish_done(publish, Ticket::done(), wire::ReasonCode::success, {}, out);
  }

  void answer(wire::PacketType type, std::uint16_t packet_id, std::size_t count, ByteChain& out) {
    const std::vector<std::uint8_t> reasons(count, 0);
    endpoint_->answer_request(Ticket::done(), {type, packet_id, {}, reasons}, out);
  }

  void sent(const session::Delivery&) override {}
  void queued(const session::Delivery&) override {}
  void dropped(const session::Delivery&, session::DropReason) override {}

  net::Reactor reactor_;
  net::ListenerId listener_;
  std::optional<session::Endpoint> endpoint_;
  net::ConnectionId connection_;
  std::deque<wire::Publish> held_;
};

}  // namespace martlet::client::testing
