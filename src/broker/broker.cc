// Events, timers and the end of connections and sessions. CONNECT is in broker_connect.cc, SUBSCRIBE in
// broker_subscribe.cc, messages in broker_publish.cc.
#include "broker/broker.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/check.h"
#include "base/printable.h"

namespace martlet::broker {
namespace {

constexpr std::int64_t kRetainedSweepMs = 1000;
constexpr std::size_t kRetainedSweepMessages = 2000;
// Once the turn's work is used up, each further connection still gets this much.
constexpr std::uint64_t kLeastWork = 20;

}  // namespace

// Acts on what the endpoint of one connection tells.
struct Broker::EventHandler {
  Broker& broker;
  Connection& connection;
  const Now& now;

  void operator()(const session::NeedMore&) {}
  void operator()(const session::Handled&) {}
  void operator()(const session::ConnectRequested& e) { broker.on_connect(connection, e.connect, now); }
  void operator()(const session::PublishReceived& e) { broker.on_publish(connection, e.publish, now); }
  void operator()(const session::SubscribeRequested& e) { broker.on_subscribe(connection, e.subscribe, now); }
  void operator()(const session::UnsubscribeRequested& e) { broker.on_unsubscribe(connection, e.unsubscribe, now); }
  void operator()(const session::DeliveryFinished& e) {
    broker.on_finished(*connection.session, e, now);
    broker.check_laggard(connection, now);
  }
  void operator()(const session::AuthReceived& e) { broker.on_auth(connection, e, now); }
  void operator()(const session::DisconnectReceived& e) { broker.on_disconnect(connection, e.disconnect, now); }
  void operator()(const session::Failed& e) { broker.end_failed(connection, e.error, now); }
  void operator()(const session::ReleaseDue& e) {
    const Session& session = *connection.session;
    const std::uint64_t position = e.position;
    const Ticket ticket =
        position == 0
            ? Ticket::done()
            : broker.record(session, OutgoingChanged{session.key, position, e.packet_id, ExchangeState::received});
    connection.endpoint.release_sent(e.packet_id, ticket, broker.ports_.transport.outbox(connection.id));
  }
  void operator()(const session::Released& e) {
    const Session& session = *connection.session;
    const Ticket ticket = broker.record(session, IncomingReleased{session.key, e.packet_id});
    connection.endpoint.complete(e.packet_id, ticket, broker.ports_.transport.outbox(connection.id));
  }
  // Client role only.
  void operator()(const session::Connected&) { check(false, "a server gets no CONNACK"); }
  void operator()(const session::Refused&) { check(false, "a server gets no CONNACK"); }
  void operator()(const session::RequestAnswered&) { check(false, "a server gets no SUBACK"); }
};

Broker::Broker(const BrokerOptions& options, const Ports& ports, const Now& now)
    : options_(options),
      policies_{complete_policies(options, options.listeners)},
      ports_(ports),
      random_(options.random_seed),
      own_commons_(ports.commons ? nullptr : std::make_unique<Commons>(options, random_.next(), 1)),
      commons_(ports.commons ? *ports.commons : *own_commons_),
      neighbours_(ports.neighbours ? *ports.neighbours : alone_),
      sessions_(options.client_seed != 0 ? options.client_seed : random_.next()),
      router_(sessions_, options.overlap, random_.next()),
      groups_(options.shared_strategy, options.endpoint.queue, random_.next(), commons_.groups(), ports.core),
      retained_(commons_.retained()),
      sys_topics_(options, now),
      connect_tokens_(options.connect_rate_per_s / static_cast<double>(commons_.cores())),
      connect_tokens_at_ms_(now.mono_ms),
      id_secrets_{random_.next(), random_.next()} {
  if (options.sys_interval_s != 0) deadlines_.add({now.mono_ms, DueKind::sys_topics, 0, 0});
  if (!options.durability.announce) return;
  durability_texts_ = announcement(options.durability, ports.records.next_position() != 0);
  for (const std::string& text : durability_texts_) durability_notices_.push_back({"durability", text});
}

Broker::~Broker() = default;

// ---- events

void Broker::connection_opened(ConnectionId id, const Arrival& arrival, const Now& now) {
  if (connections_.size() <= id.slot) connections_.resize(id.slot + 1);
  check(!connections_[id.slot], "a slot is used by one connection at a time");
  const std::uint32_t index = options_.listeners.empty() ? 0 : arrival.listener_index;
  const std::vector<ListenerPolicy>& policies = policies_.back();
  check(index < policies.size(), "a connection comes through a listener that is known");
  connections_[id.slot] = std::make_unique<Connection>(id, policies[index], now);
  Connection& connection = *connections_[id.slot];
  connection.listener_index = index;
  connection.address = arrival.peer_address;
  if (arrival.peer) connection.aside.make().peer = arrival.peer;
  // Its gate opens for what is durable already: that is not announced again.
  connection.endpoint.durable(durable_position_, ports_.transport.outbox(id));
  ++counters_.connections_accepted;
  arm(connection);
}

void Broker::use_policies(const std::vector<ListenerPolicy>& listeners) {
  check(listeners.size() == options_.listeners.size(), "the listeners are those that there were");
  policies_.push_back(complete_policies(options_, listeners));
  std::unordered_set<const ListenerPolicy*> used;
  for (const auto& connection : connections_) {
    if (connection) used.insert(connection->policy);
  }
  const auto unused = [&](const std::vector<ListenerPolicy>& policies) {
    return &policies != &policies_.back() &&
           std::none_of(policies.begin(), policies.end(), [&](const auto& policy) { return used.contains(&policy); });
  };
  policies_.remove_if(unused);
}

Connection* Broker::find(ConnectionId id) {
  if (id.slot >= connections_.size()) return nullptr;
  Connection* connection = connections_[id.slot].get();
  return connection && connection->id == id && !connection->ended ? connection : nullptr;
}

void Broker::bytes_received(ConnectionId id, ByteView bytes, const Now& now) {
  Connection* connection = find(id);
  if (!connection) return;
  counters_.bytes_received += bytes.size();
  if (connection->unread.empty()) {
    take_packets(*connection, bytes, false, now);
  } else {
    connection->unread.insert(connection->unread.end(), bytes.begin(), bytes.end());
  }
  finish_event(now);
}

void Broker::take_packets(Connection& connection, ByteView bytes, bool all, const Now& now) {
  ByteChain& out = ports_.transport.outbox(connection.id);
  connection.endpoint.durable(durable_position_, out);
  const std::uint64_t enough = std::max(work_done_ + kLeastWork, kTurnWork);
  while (!connection.ended) {
    const bool enough_for_now = work_done_ >= enough || connection.fans_out || neighbours_.congested();
    const bool held = connection.held();
    if (!all && (enough_for_now || held) && !bytes.empty()) {
      connection.unread.assign(bytes.begin(), bytes.end());
      if (!held) unread_.push_back(connection.id);  // else go_on() does
      ports_.transport.pause_reading(connection.id, true);
      break;
    }
    session::Event event = connection.endpoint.receive(bytes, now, out);
    if (std::holds_alternative<session::NeedMore>(event)) break;
    ++counters_.packets_received;
    ++work_done_;
    std::visit(EventHandler{*this, connection, now}, event);
  }
  if (!connection.ended) service(connection, now);
}

// A new turn: those who had more to say than the last one had room for go on, each a little.
void Broker::read_on(const Now& now) {
  work_done_ = 0;
  for (const ConnectionId id : std::exchange(unread_, {})) {
    Connection* connection = find(id);
    if (!connection) continue;
    if (connection->fans_out) {
      unread_.push_back(id);
      continue;
    }
    const std::vector<std::uint8_t> bytes = std::exchange(connection->unread, {});
    take_packets(*connection, bytes, false, now);
    if (!connection->ended && connection->unread.empty() && !connection->reading_paused && !connection->held()) {
      ports_.transport.pause_reading(id, false);
    }
    finish_event(now);
  }
}

void Broker::connection_lost(ConnectionId id, LostBy cause, const Now& now) {
  Connection* connection = find(id);
  if (!connection) return;
  forget_questions(*connection, now);
  // Its last words count: a goodbye may be among them.
  const std::vector<std::uint8_t> bytes = std::exchange(connection->unread, {});
  if (!bytes.empty()) take_packets(*connection, bytes, true, now);
  const char* rule =
      cause == LostBy::peer_closed ? "the peer closed without DISCONNECT" : "the network connection failed";
  end_connection(*connection, {VerdictReason::network_error, {}, {}, rule}, now);
  finish_event(now);
}

void Broker::outbox_drained(ConnectionId id, const Now& now) {
  Connection* connection = find(id);
  if (!connection) return;
  connection->stuck_since_ms = kNever;
  service(*connection, now);
  resume_reading(*connection, now);
  arm(*connection);
  finish_event(now);
}

void Broker::durable(std::uint64_t position, const Now& now) {
  durable_position_ = position;
  for (const ConnectionId id : std::exchange(gated_, {})) {
    Connection* connection = find(id);
    if (!connection) continue;
    connection->gated = false;
    connection->endpoint.durable(position, ports_.transport.outbox(id));
    service(*connection, now);
    resume_reading(*connection, now);
  }
  finish_event(now);
}

// Frees what ended, and publishes the wills that became due meanwhile; either may cause the other.
void Broker::finish_event(const Now& now) {
  publish_wills(now);
  for (std::uint32_t slot : ended_) connections_[slot].reset();
  ended_.clear();
}

void Broker::service(Connection& connection, const Now& now) {
  ByteChain& out = ports_.transport.outbox(connection.id);
  if (connection.session) {
    observed_session_ = connection.session;
    observed_now_ = &now;
    // Retained messages go first: they are older than what waits, and a busy subscription must not starve them.
    if (!connection.session->retained->empty()) feed_retained(connection, now);
    connection.endpoint.pump(now, out, *this, !connection.session->retained->empty());
    counters_.packets_sent += connection.endpoint.take_packets_written();
  }
  if (!out.empty()) ports_.transport.touch(connection.id);
  if (!connection.gated && connection.endpoint.gate_bytes() > 0) {
    connection.gated = true;
    gated_.push_back(connection.id);
  }
  watch_backpressure(connection, now);
}

// A full outbox first stops us from reading more requests of that client, then, if it stands still, ends the
// connection. Acknowledgements that wait for the disk stop the reading too, but the client is not to blame for them.
void Broker::watch_backpressure(Connection& connection, const Now& now) {
  const ByteChain& out = ports_.transport.outbox(connection.id);
  const std::size_t high_bytes = options_.endpoint.outbox_high_bytes;
  const bool full = out.size() + connection.endpoint.gate_bytes() >= high_bytes;
  const bool held_by_disk = connection.endpoint.gate_bytes() > 0 && !ports_.records.accepting();
  if (!connection.reading_paused && (full || held_by_disk)) {
    connection.reading_paused = true;
    ports_.transport.pause_reading(connection.id, true);
  }
  if (connection.stuck_since_ms != kNever || out.size() < high_bytes) return;
  connection.stuck_since_ms = now.mono_ms;
  connection.stuck_at_bytes = out.consumed_bytes();
  arm(connection);
}

void Broker::resume_reading(Connection& connection, const Now& now) {
  if (!connection.reading_paused || connection.stuck_since_ms != kNever) return;
  const std::size_t unsent_bytes = ports_.transport.outbox(connection.id).size() + connection.endpoint.gate_bytes();
  if (unsent_bytes >= options_.endpoint.outbox_high_bytes) return;
  connection.reading_paused = false;
  connection.endpoint.reading_resumed(now);
  if (connection.unread.empty() && !connection.held()) ports_.transport.pause_reading(connection.id, false);
  arm(connection);
}

// ---- time

void Broker::arm(Connection& connection) {
  DeadlineMs due = connection.reading_paused ? kNever : connection.endpoint.deadline();
  if (connection.stuck_since_ms != kNever) {
    due = std::min(due, connection.stuck_since_ms + std::int64_t{options_.slow_reader_timeout_ms});
  }
  due = std::min(due, connection.aside->expires_at_ms);
  if (connection.aside->request) due = std::min(due, connection.aside->request->answer_by_ms);
  if (connection.aside->quota) due = std::min(due, connection.aside->quota->held_until_ms);
  // An earlier entry wakes us anyway and arms again.
  if (due >= connection.timer_ms) return;
  connection.timer_ms = due;
  add_deadline({due, DueKind::connection, connection.id.slot, connection.id.generation});
}

// As for a connection: an earlier entry wakes us anyway.
void Broker::arm(Session& session) {
  const DeadlineMs due = std::min(session.will->due_ms, session.expires_at_ms);
  if (due >= session.timer_ms) return;
  session.timer_ms = due;
  add_deadline({due, DueKind::session, session.number, session.generation});
}

// Entries that an earlier one took the place of stay until their time. Clients that come and go would pile them up, so
// they are swept when they outnumber the rest.
void Broker::add_deadline(const Due& due) {
  constexpr std::size_t kSpare = 1000;
  if (deadlines_.size() > 2 * (connections_.size() + sessions_.size() + sessions_.remnants()) + kSpare) {
    deadlines_.keep_if([this](const Due& entry) { return awaited(entry); });
  }
  deadlines_.add(due);
}

bool Broker::awaited(const Due& due) {
  if (due.kind == DueKind::connection) {
    const Connection* connection = find({due.number, due.generation});
    return connection && connection->timer_ms == due.at_ms;
  }
  if (due.kind == DueKind::session) {
    const Session* session = sessions_.find(due.number);
    return session && session->generation == due.generation && session->timer_ms == due.at_ms;
  }
  return true;
}

void Broker::run_timers(const Now& now) {
  read_on(now);
  give_part(now);
  while (deadlines_.next() <= now.mono_ms) {
    const Due due = deadlines_.take();
    if (!awaited(due)) continue;
    switch (due.kind) {
      case DueKind::connection: {
        Connection& connection = *find({due.number, due.generation});
        connection.timer_ms = kNever;
        connection_due(connection, now);
        break;
      }
      case DueKind::session: {
        Session& session = *sessions_.find(due.number);
        session.timer_ms = kNever;
        session_due(session, now);
        break;
      }
      case DueKind::sys_topics:
        publish_sys(now);
        deadlines_.add({now.mono_ms + std::int64_t{options_.sys_interval_s} * 1000, DueKind::sys_topics, 0, 0});
        break;
      case DueKind::service:
        if (Connection* connection = find({due.number, due.generation})) {
          connection->loads_later = false;
          service(*connection, now);
        }
        break;
      case DueKind::hand_over: {
        Session* session = sessions_.find(due.number);
        if (!session || session->generation != due.generation) break;
        session->hands_over_later = false;
        session->remnant ? hand_over_remnant(*session, now) : hand_over_all(*session, now);
        break;
      }
      case DueKind::checkpoint:
        checkpoint(now);
        break;
      case DueKind::retained_sweep: {
        sweep_armed_ = false;
        const std::lock_guard lock(commons_.retained_lock());
        retained_.sweep(now, kRetainedSweepMessages, [&](std::string_view topic) {
          verdicts_.record({VerdictReason::expired, "", topic, "retained message expiry [MQTT-3.3.2-5]"}, now);
          ports_.records.append(RetainedChanged{*session::MessageRef::make(topic, {}, {}, {})});
        });
        if (retained_.any_can_expire()) arm_sweep(now);
        break;
      }
    }
    finish_event(now);
  }
}

void Broker::connection_due(Connection& connection, const Now& now) {
  ByteChain& out = ports_.transport.outbox(connection.id);
  const std::int64_t timeout_ms = options_.slow_reader_timeout_ms;
  if (connection.stuck_since_ms != kNever && now.mono_ms >= connection.stuck_since_ms + timeout_ms) {
    if (out.consumed_bytes() == connection.stuck_at_bytes) {
      connection.endpoint.disconnect(wire::ReasonCode::quota_exceeded, "the client does not read", out);
      return end_connection(connection, {VerdictReason::slow_reader, {}, {}, "limits.slow_reader_timeout"}, now);
    }
    connection.stuck_since_ms = now.mono_ms;  // slow, but it reads
    connection.stuck_at_bytes = out.consumed_bytes();
  }
  if (connection.aside->expires_at_ms <= now.mono_ms) return end_expired(connection, now);
  if (connection.aside->quota) quota_due(connection, now);
  if (connection.aside->request && connection.aside->request->answer_by_ms <= now.mono_ms) {
    settle(connection, AccessDecision::deny("the authorizer did not answer in time"), now);
    go_on(connection, now);
    if (connection.ended) return;
  }
  if (connection.aside->pending && connection.held() && connection.endpoint.deadline() <= now.mono_ms) {
    return refuse(connection, wire::ReasonCode::server_unavailable, "authentication did not end in time",
                  connection.aside->pending->client_id, now);
  }
  if (connection.fans_out || !connection.unread.empty() || connection.held()) {
    connection.endpoint.reading_resumed(now);
  }
  if (!connection.reading_paused) {
    const session::Event event = connection.endpoint.on_time(now, out);
    if (const auto* failed = std::get_if<session::Failed>(&event)) return end_failed(connection, failed->error, now);
  }
  arm(connection);
}

void Broker::session_due(Session& session, const Now& now) {
  if (session.connection) return;
  if (session.will->message && session.will->due_ms <= now.mono_ms) {
    due_wills_.emplace_back(session.client_id, session.will.take());
  }
  if (session.expires_at_ms <= now.mono_ms) {
    ++counters_.sessions_expired;
    return end_session(session, now);
  }
  arm(session);
}

// Called while a retained message can expire, so that an idle broker sleeps.
void Broker::arm_sweep(const Now& now) {
  if (sweep_armed_) return;
  sweep_armed_ = true;
  deadlines_.add({now.mono_ms + kRetainedSweepMs, DueKind::retained_sweep, 0, 0});
}

// ---- the end

// A QoS 2 message that is never finished, while later ones are, would make the account of these grow for ever.
void Broker::check_laggard(Connection& connection, const Now& now) {
  constexpr std::size_t kMostBehind = 65'535;
  if (connection.session->finished_qos2->size() <= kMostBehind) return;
  checkpoint(*connection.session);
  if (connection.session->finished_qos2->size() <= kMostBehind) return;
  constexpr const char* kRule = "an earlier message is not acknowledged, 65,535 later ones are";
  connection.endpoint.disconnect(wire::ReasonCode::quota_exceeded, kRule, ports_.transport.outbox(connection.id));
  end_connection(connection, {VerdictReason::limit_exceeded, {}, {}, kRule}, now);
}

void Broker::end_failed(Connection& connection, const wire::DecodeError& error, const Now& now) {
  VerdictReason reason = VerdictReason::protocol_error;
  switch (error.reason) {
    case wire::ReasonCode::malformed_packet:
      reason = VerdictReason::malformed_packet;
      break;
    case wire::ReasonCode::keep_alive_timeout:
      reason = VerdictReason::keep_alive_timeout;
      break;
    case wire::ReasonCode::packet_too_large:
    case wire::ReasonCode::receive_maximum_exceeded:
      reason = VerdictReason::limit_exceeded;
      break;
    default:
      break;
  }
  log_failed(connection, error);
  end_connection(connection, {reason, {}, {}, error.clause}, now, LogLevel::debug);
}

void Broker::end_connection(Connection& connection, const Verdict& verdict, const Now& now, LogLevel level) {
  if (connection.ended) return;
  connection.ended = true;
  forsake_check(connection);
  counters_.packets_sent += connection.endpoint.take_packets_written();
  Session* session = connection.session;
  Verdict complete = verdict;
  complete.client = session ? session->client_id.view() : connection.peer_address();
  verdicts_.record(complete, now);
  if (session) log_unlogged_denials(*session);
  log_end(connection, verdict.rule, level);
  ports_.transport.close(connection.id);
  ended_.push_back(connection.id.slot);
  if (session) detach(*session, verdict.reason == VerdictReason::taken_over, now);
}

// The session goes on without its connection, or ends with it.
void Broker::detach(Session& session, bool taken_over, const Now& now) {
  session.connection->address = session.peer_address.view();
  session.connection->session = nullptr;
  const std::uint32_t listener_index = session.connection->listener_index;
  session.connection = nullptr;
  --counters_.clients_connected;
  --commons_.clients_connected;
  --commons_.clients_of(listener_index);
  count_members(session, -1);
  if (session.will->message) {
    // The will is due after its delay, or with the session, whichever is first [MQTT-3.1.2-8].
    const std::uint32_t delay_s = std::min(session.will->delay_s, session.expiry_s);
    if (delay_s == 0) {
      due_wills_.emplace_back(session.client_id, session.will.take());
    } else {
      session.will.make().due_ms = deadline_in_s(now, delay_s);
    }
  }
  if (!session.persistent()) return end_session(session, now);
  if (!options_.queue_qos0_offline) {
    observed_session_ = &session;
    observed_now_ = &now;
    session.state.outgoing.drop_waiting_qos0(session::DropReason::offline, *this);
  }
  session.state.outgoing.unload();
  // Who takes over gets what is unfinished itself; without a clean start nothing has been left.
  if (!taken_over) hand_over_all(session, now);
  session.expires_at_ms = session.expiry_s == kExpiryNever ? kNever : deadline_in_s(now, session.expiry_s);
  session.away_since_wall_ms = now.wall_ms;
  checkpoint_later(session, now);
  arm(session);
}

void Broker::end_session(Session& session, const Now& now) {
  if (session.will->message) due_wills_.emplace_back(session.client_id, session.will.take());
  remove_all_subscriptions(session);
  session::Outgoing& outgoing = session.state.outgoing;
  std::unordered_map<std::uint32_t, bool> others;
  session::Outgoing left = outgoing.take_logged([&](std::uint32_t origin) {
    const auto [at, unknown] = others.try_emplace(origin, false);
    return at->second = unknown ? commons_.groups().contains(origin) : at->second;
  });
  hand_over_rest(session, now);
  outgoing.for_each([&](const session::Delivery& delivery) {
    ++counters_.publish_dropped;
    verdicts_.record({VerdictReason::session_ended, session.client_id, delivery.message->topic(), "the session ended"},
                     now);
  });
  if (const std::size_t logged = outgoing.logged_messages(); logged != 0) {
    counters_.publish_dropped += logged;
    const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(logged, 0xFFFF'FFFF));
    verdicts_.record({VerdictReason::session_ended, session.client_id, {}, "the session ended", count}, now);
  }
  left.logged_messages() > 0 ? leave_remnant(session, std::move(left), now) : forget(session);
}

void Broker::publish_last_wills(const Now& now) {
  // Wills first, so that who is still connected learns that the others' devices are gone.
  sessions_.for_each([&](Session& session) {
    if (!session.connection || !session.will->message || std::min(session.will->delay_s, session.expiry_s) != 0) return;
    due_wills_.emplace_back(session.client_id, session.will.take());
  });
  publish_wills(now);
  while (!fan_outs_.empty()) give_part(now);
}

void Broker::shut_down(const Now& now) {
  publish_last_wills(now);
  for (const auto& connection : connections_) {
    if (!connection || connection->ended) continue;
    connection->endpoint.disconnect(wire::ReasonCode::server_shutting_down, "the server is stopping",
                                    ports_.transport.outbox(connection->id));
    end_connection(*connection, {VerdictReason::shutting_down, {}, {}, "the server is stopping"}, now);
  }
  finish_event(now);
  checkpoint(now);  // the next start finds cursors that are up to date
}

// Only what belongs to a session that outlives its connection is worth a record.
Ticket Broker::record(const Session& session, const Record& record) {
  return session.persistent() ? ports_.records.append(record) : Ticket::done();
}

std::size_t Broker::held_bytes(ConnectionId id) {
  Connection* connection = find(id);
  return connection ? connection->endpoint.held_bytes() + ports_.transport.outbox(id).size() : 0;
}

}  // namespace martlet::broker
