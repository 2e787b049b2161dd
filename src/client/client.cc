// Events, time, and the way out. Connecting is in client_connect.cc.
#include "client/client.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace martlet::client {

using wire::PropertyId;
using wire::ReasonCode;

Client::Client(env::Network& network, env::Clock& clock, std::uint64_t seed, ClientOptions options,
               ClientHandler& handler)
    : clock_(clock),
      options_(std::move(options)),
      handler_(handler),
      reactor_(network, clock, *this),
      backoff_(options_.backoff, seed) {}

Client::~Client() = default;

void Client::set_trace(PacketTrace* trace) {
  trace_ = trace;
}

template <class Act>
void Client::sending(Act&& act) {
  ByteChain& out = reactor_.outbox(connection_);
  if (sending_) return act(out);
  const net::ConnectionId id = connection_;
  const std::size_t before = out.size();
  sending_ = true;
  act(out);
  sending_ = false;
  if (tracer_) tracer_->sent(out, before);
  reactor_.touch(id);
}

PublishHandle Client::publish(const Publication& message) {
  if (++last_publish_ == 0) ++last_publish_;
  const PublishHandle handle = last_publish_;
  ++unfinished_;
  if (message.retain && phase_ == Phase::up && !retain_available_) {
    finish(handle, ReasonCode::retain_not_supported);  // [MQTT-3.2.2-14]
    return handle;
  }
  const Now at = now();
  session::MessageFacts facts;
  facts.qos = message.qos;
  facts.retain = message.retain;
  if (const auto expiry_s = message.properties.number(PropertyId::message_expiry_interval)) {
    facts.expires_at_ms = deadline_in_s(at, *expiry_s);
  }
  session::Delivery delivery;
  delivery.message = session::MessageRef::make(message.topic, message.payload, message.properties, facts);
  delivery.origin = handle;
  delivery.qos = message.qos;
  delivery.retain = message.retain;
  if (phase_ == Phase::up) {
    sending([&](ByteChain& out) { endpoint_->deliver(delivery, at, out, *this); });
  } else {
    state_.outgoing.enqueue(std::move(delivery), options_.endpoint.queue, at, *this);
  }
  return handle;
}

bool Client::has_room(std::size_t payload_bytes) const {
  const session::QueueLimits& limits = options_.endpoint.queue;
  constexpr std::size_t kHeadBytes = 256 + 65'535;  // topic and bookkeeping of the next message, at most
  return state_.outgoing.waiting_messages() < limits.max_messages &&
         state_.outgoing.waiting_bytes() + payload_bytes + kHeadBytes <= limits.max_bytes;
}

RequestHandle Client::subscribe(std::vector<FilterSpec> filters, wire::PropertyWriter properties) {
  const RequestHandle handle = requests_.add(true, std::move(filters), std::move(properties));
  requests_due_ = true;
  send_requests();
  return handle;
}

RequestHandle Client::unsubscribe(std::vector<FilterSpec> filters, wire::PropertyWriter properties) {
  const RequestHandle handle = requests_.add(false, std::move(filters), std::move(properties));
  requests_due_ = true;
  send_requests();
  return handle;
}

void Client::send_requests() {
  if (phase_ != Phase::up || !requests_due_) return;
  sending([&](ByteChain& out) {
    while (Request* request = requests_.next_due()) {
      wire::FilterListWriter filters(request->subscribes);
      for (const FilterSpec& spec : request->filters) filters.add({spec.filter, spec.options});
      const wire::Properties properties = request->properties.properties();
      request->packet_id = request->subscribes
                               ? endpoint_->subscribe(wire::Subscribe{0, properties, filters.list()}, out)
                               : endpoint_->unsubscribe(wire::Unsubscribe{0, properties, filters.list()}, out);
      if (request->packet_id != 0) continue;
      if (!state_.outgoing.identifiers_left()) return;  // again when one is free: an acknowledgement ends the wait
      too_large_.push_back(*request);
      requests_.drop(request->handle);
    }
    requests_due_ = false;
  });
}

void Client::acknowledge(const AckToken& token, ReasonCode reason) {
  if (phase_ != Phase::up || token.connection != connection_number_) return;
  wire::Publish publish;
  publish.qos = token.qos;
  publish.packet_id = token.packet_id;
  sending([&](ByteChain& out) { endpoint_->publish_done(publish, Ticket::done(), reason, {}, out); });
}

void Client::pump() {
  send_requests();
  if (phase_ != Phase::up) return;
  if (state_.outgoing.waiting_messages() == 0 && !state_.outgoing.next_to_resend()) return;
  sending([&](ByteChain& out) { endpoint_->pump(now(), out, *this); });
}

void Client::sent(const session::Delivery& delivery) {
  if (delivery.qos == wire::QoS::at_most_once) finish(delivery.origin, ReasonCode::success);
}

void Client::dropped(const session::Delivery& delivery, session::DropReason reason) {
  using enum session::DropReason;
  switch (reason) {
    case queue_full:
      return finish(delivery.origin, ReasonCode::quota_exceeded);
    case too_large:
      return finish(delivery.origin, ReasonCode::packet_too_large);
    case expired:
    case offline:
    case hidden:
      return finish(delivery.origin, ReasonCode::implementation_specific_error);
  }
}

void Client::report_finished() {
  for (const Request& request : std::exchange(too_large_, {})) {
    const std::vector<std::uint8_t> reasons(request.filters.size(),
                                            static_cast<std::uint8_t>(ReasonCode::packet_too_large));
    const auto type = request.subscribes ? wire::PacketType::suback : wire::PacketType::unsuback;
    handler_.answered(request.handle, {type, 0, {}, reasons});
  }
  const auto finished = std::exchange(finished_, {});
  unfinished_ -= finished.size();
  for (const auto& [handle, reason] : finished) handler_.published(handle, reason);
}

void Client::received(net::ConnectionId id, ByteView bytes) {
  if (id != connection_) return;
  if (tracer_) tracer_->received(bytes);
  sending([&](ByteChain& out) {
    // The user may stop the client in the middle.
    while (id == connection_) {
      session::Event event = endpoint_->receive(bytes, now(), out);
      if (std::holds_alternative<session::NeedMore>(event)) return;
      handle(event, out);
    }
  });
}

void Client::handle(session::Event& event, ByteChain& out) {
  if (auto* message = std::get_if<session::PublishReceived>(&event)) {
    handle_message(*message, out);
  } else if (auto* finished = std::get_if<session::DeliveryFinished>(&event)) {
    finish(finished->delivery.origin, finished->reason);
  } else if (auto* due = std::get_if<session::ReleaseDue>(&event)) {
    endpoint_->release_sent(due->packet_id, Ticket::done(), out);
  } else if (auto* released = std::get_if<session::Released>(&event)) {
    endpoint_->complete(released->packet_id, Ticket::done(), out);
  } else if (auto* answer = std::get_if<session::RequestAnswered>(&event)) {
    if (const Request* request = requests_.find(answer->ack.packet_id)) {
      const RequestHandle handle = request->handle;
      requests_.answered(answer->ack.packet_id);
      handler_.answered(handle, answer->ack);
    }
  } else if (auto* up = std::get_if<session::Connected>(&event)) {
    came_up(*up);
  } else if (auto* refusal = std::get_if<session::Refused>(&event)) {
    was_refused(*refusal);
  } else if (auto* goodbye = std::get_if<session::DisconnectReceived>(&event)) {
    const wire::Disconnect& packet = goodbye->disconnect;
    Loss loss{.cause = LossCause::server_disconnect, .reason = packet.reason};
    loss.text = packet.properties.text(PropertyId::reason_string).value_or("");
    loss.server_reference = packet.properties.text(PropertyId::server_reference).value_or("");
    lose(std::move(loss));
  } else if (auto* failure = std::get_if<session::Failed>(&event)) {
    const bool silent = failure->error.reason == ReasonCode::keep_alive_timeout;
    lose({.cause = silent ? LossCause::server_silent : LossCause::protocol_breach,
          .reason = failure->error.reason,
          .text = failure->error.what});
  } else if (std::holds_alternative<session::AuthReceived>(event)) {
    // No method is implemented, so none was asked for unless the user wrote it into CONNECT by hand.
    endpoint_->disconnect(ReasonCode::implementation_specific_error, "no authentication exchange here", out);
    lose({.cause = LossCause::protocol_breach,
          .reason = ReasonCode::bad_authentication_method,
          .text = "the server asks for an authentication exchange"});
  }
}

void Client::handle_message(const session::PublishReceived& event, ByteChain& out) {
  const wire::Publish& publish = event.publish;
  const AckToken token{connection_number_, publish.packet_id, publish.qos};
  const AckBy by = handler_.message(publish, token);
  // The connection is still this one, or the endpoint is closed and ignores it.
  if (by == AckBy::client) endpoint_->publish_done(publish, Ticket::done(), ReasonCode::success, {}, out);
}

DeadlineMs Client::next_deadline() const {
  if (!finished_.empty() || !too_large_.empty()) return 0;
  DeadlineMs at = phase_ == Phase::waiting ? retry_at_ : kNever;
  if (phase_ == Phase::handshaking || phase_ == Phase::up) at = std::min(at, endpoint_->deadline());
  return at;
}

void Client::on_time() {
  if (phase_ == Phase::waiting && retry_at_ <= now().mono_ms) begin_connect();
  if ((phase_ == Phase::handshaking || phase_ == Phase::up) && endpoint_->deadline() <= now().mono_ms) {
    sending([&](ByteChain& out) {
      session::Event event = endpoint_->on_time(now(), out);
      handle(event, out);
    });
  }
}

void Client::turn(DeadlineMs wake_at) {
  in_turn_ = true;
  reactor_.wait_and_dispatch(more_to_send_ ? 0 : std::min(wake_at, next_deadline()));
  on_time();
  pump();
  handler_.before_sending();
  reactor_.flush();
  report_finished();
  // What waits only because the outbox was full goes on at once, now that it has been sent.
  more_to_send_ = phase_ == Phase::up &&
                  (requests_due_ || state_.outgoing.has_waiting(false) ||
                   (state_.outgoing.has_waiting(true) && endpoint_->window_used() < endpoint_->window_size())) &&
                  reactor_.outbox(connection_).size() < options_.endpoint.outbox_high_bytes;
  in_turn_ = false;
}

}  // namespace martlet::client
