// An MQTT client on one thread: keeps a connection to a server up, sends again what was in flight when it broke, and
// subscribes anew where the server lost the session.
//
//   Client client(network, clock, seed, options, handler);
//   client.subscribe(...); client.publish(...);     at any time, connected or not
//   client.start();
//   while (!client.finished()) client.turn();
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "client/backoff.h"
#include "client/client_handler.h"
#include "client/options.h"
#include "client/request_book.h"
#include "client/tracer.h"
#include "env/clock.h"
#include "env/network.h"
#include "net/reactor.h"
#include "session/endpoint.h"

namespace martlet::client {

// A message to publish. Message expiry counts from the call; a topic alias in the properties is left out: aliases are
// used by themselves where the server allows them.
struct Publication {
  std::string_view topic;  // a legal topic name: no wildcards, not empty
  ByteView payload;
  wire::QoS qos = wire::QoS::at_most_once;  // lowered to the server's maximum QoS
  bool retain = false;
  wire::Properties properties = {};
};

class Client final : private net::ReactorHandler, private session::DeliveryObserver {
 public:
  // The references must outlive the client. `seed` from env's entropy.
  Client(env::Network& network, env::Clock& clock, std::uint64_t seed, ClientOptions options, ClientHandler& handler);
  ~Client() override;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Shows every packet to `trace` from the next connection on.
  void set_trace(PacketTrace* trace);

  // Begins to connect in the next turn. Again after it stopped: the session's state on this side is kept.
  void start();
  // Says goodbye and stops: what is in the outbox is sent, then DISCONNECT, with the session expiry interval where one
  // is given [3.14.2.2.2]. What is not acknowledged stays in the session.
  void stop(wire::ReasonCode reason = wire::ReasonCode::success,
            std::optional<std::uint32_t> session_expiry_s = std::nullopt);
  void stop(const wire::Disconnect& packet);
  // Stopped, and the last byte is sent or given up.
  bool finished() const { return phase_ == Phase::stopped && reactor_.connection_count() == 0; }

  // Waits for events until `wake_at` (monotonic), handles them, sends what is due. Handler calls come from here.
  void turn(DeadlineMs wake_at = kNever);
  // Ends the current or the next turn's wait. Any thread.
  void wake() { reactor_.wake(); }

  // Puts a message into the outbox; handler.published() tells its end, in a later turn. Without a connection it waits,
  // at QoS 0 too. A full outbox drops it (quota_exceeded): ask has_room() first.
  PublishHandle publish(const Publication& message);
  // The outbox takes a further message of `payload_bytes`.
  bool has_room(std::size_t payload_bytes) const;
  // What waits in the outbox for the server's window or for the connection.
  std::size_t waiting_messages() const { return state_.outgoing.waiting_messages(); }
  std::uint64_t waiting_bytes() const { return state_.outgoing.waiting_bytes(); }
  // Messages that are not finished.
  std::size_t unfinished() const { return unfinished_; }

  // Sent at once if connected, else after the next CONNACK; handler.answered() tells the outcome. The filters are
  // legal. A subscription identifier may be in `properties`.
  RequestHandle subscribe(std::vector<FilterSpec> filters, wire::PropertyWriter properties = {});
  RequestHandle unsubscribe(std::vector<FilterSpec> filters, wire::PropertyWriter properties = {});

  // Answers a message that handler.message() left to the user; nothing happens if its connection is gone. A `reason` of
  // 0x80 or more refuses it (5.0).
  void acknowledge(const AckToken& token, wire::ReasonCode reason = wire::ReasonCode::success);

  // Calls handler.external_ready(token) while `handle` is readable.
  Result<void> watch(env::Handle handle, std::uint32_t token) { return reactor_.watch_external(handle, token); }
  void unwatch(env::Handle handle) { reactor_.unwatch_external(handle); }

  bool connected() const { return phase_ == Phase::up; }
  // The clock as this turn sees it; outside of turn(), as it is.
  Now now() const { return in_turn_ ? reactor_.now() : clock_.now(); }
  const ClientOptions& options() const { return options_; }

 private:
  enum class Phase : std::uint8_t { stopped, waiting, connecting, handshaking, up };

  // net::ReactorHandler
  void accepted(net::ConnectionId, net::ListenerId, std::string_view) override {}
  void connected(net::ConnectionId id) override;
  void received(net::ConnectionId id, ByteView bytes) override;
  void drained(net::ConnectionId) override {}
  void closed(net::ConnectionId id, net::CloseReason reason, int system_code) override;
  void refused(net::ListenerId, net::RefuseReason) override {}
  void external_ready(std::uint32_t token) override { handler_.external_ready(token); }

  // session::DeliveryObserver
  void sent(const session::Delivery& delivery) override;
  void queued(const session::Delivery&) override {}
  void dropped(const session::Delivery& delivery, session::DropReason reason) override;

  // client_connect.cc: connecting, losing, coming back
  void begin_connect();
  void send_connect(ByteChain& out);
  bool clean_start_now() const;
  void came_up(const session::Connected& event);
  void was_refused(const session::Refused& event);
  void lose(Loss loss);
  DeadlineMs schedule_retry(bool worth_it);
  // `flush`: what is written for the server is still sent.
  void drop_connection(bool flush);

  // client.cc: events, time and sending
  void handle(session::Event& event, ByteChain& out);
  void handle_message(const session::PublishReceived& event, ByteChain& out);
  void send_requests();
  void pump();
  void on_time();
  DeadlineMs next_deadline() const;
  void report_finished();
  void finish(PublishHandle handle, wire::ReasonCode reason) { finished_.emplace_back(handle, reason); }
  // Runs act(outbox) and marks the outbox for sending.
  template <class Act>
  void sending(Act&& act);

  env::Clock& clock_;
  ClientOptions options_;
  ClientHandler& handler_;
  net::Reactor reactor_;
  Backoff backoff_;
  PacketTrace* trace_ = nullptr;
  std::optional<Tracer> tracer_;

  session::SessionState state_;
  RequestBook requests_;
  std::optional<session::Endpoint> endpoint_;
  net::ConnectionId connection_;
  std::uint32_t connection_number_ = 0;
  Phase phase_ = Phase::stopped;
  bool was_up_ = false;           // a CONNACK came since the client was made
  bool retain_available_ = true;  // on the present connection
  bool requests_due_ = false;
  bool more_to_send_ = false;  // the last turn left something that may go at once
  bool in_turn_ = false;
  bool sending_ = false;
  std::string assigned_client_id_;
  DeadlineMs retry_at_ = kNever;

  PublishHandle last_publish_ = 0;
  std::size_t unfinished_ = 0;
  // Told to the handler once the endpoint's operation is over.
  std::vector<std::pair<PublishHandle, wire::ReasonCode>> finished_;
  std::vector<Request> too_large_;  // requests that the server's maximum packet size does not let through
};

}  // namespace martlet::client
