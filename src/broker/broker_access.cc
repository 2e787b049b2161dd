// What a client may do: questions to the authorizer, answers that come later, and what is told of refusals.
#include <fmt/format.h>

#include <utility>

#include "base/printable.h"
#include "broker/broker.h"

namespace martlet::broker {

namespace {

// Whoever answers has limits of its own; this is for one that does not.
constexpr std::int64_t kAnswerMs = 30'000;
// A client gets one line in this time for each kind of refusal.
constexpr std::int64_t kDenialLogMs = 1'000;

}  // namespace

// ---- questions

// Of a session that need not be connected.
Actor Broker::actor_of(const Session& session) {
  Actor actor;
  actor.client_id = session.client_id;
  actor.username = session.username;
  actor.peer_address = session.peer_address;
  actor.listener_index = session.listener_index;
  actor.grants = session.standing->grants.get();
  if (session.connection) actor.peer = session.connection->aside->peer.get();
  return actor;
}

// Of a client that asks for something and may have to wait for the answer.
Actor Broker::actor_of(Connection& connection) {
  Actor actor;
  if (connection.session) {
    actor = actor_of(*connection.session);
  } else {
    const PendingConnect& pending = *connection.aside->pending;
    actor.client_id = pending.client_id;
    actor.username = pending.username;
    actor.peer_address = connection.peer_address();
    actor.listener_index = connection.listener_index;
    actor.grants = pending.decision.grants.get();
    actor.peer = connection.aside->peer.get();
  }
  actor.question = {connection.id, ++connection.questions};
  actor.answers = connection.last_words ? nullptr : ports_.answers;
  return actor;
}

bool Broker::must_wait(const Connection& connection, const AccessDecision& access) const {
  return access.pending && ports_.answers && !connection.last_words;
}

bool Broker::allows(const AccessDecision& access) {
  return access.allowed && !access.pending;
}

const char* Broker::rule_of(const AccessDecision& access) {
  return access.pending ? "the authorizer cannot be asked now" : access.rule;
}

// The connection's later packets wait until the answer to its last question has come.
void Broker::await(Connection& connection, Awaits what) {
  connection.awaits = what;
  ports_.transport.pause_reading(connection.id, true);
}

PendingRequest& Broker::await(Connection& connection, Awaits what, const Now& now) {
  await(connection, what);
  connection.aside.make().request = std::make_unique<PendingRequest>();
  connection.aside->request->answer_by_ms = now.mono_ms + kAnswerMs;
  arm(connection);
  return *connection.aside->request;
}

// ---- answers

// Null for an answer that comes too late: the connection is gone, or it has been decided without it.
Connection* Broker::who_waits(const QuestionId& question) {
  Connection* connection = find(question.connection);
  const bool waits = connection && connection->awaits != Awaits::nothing && connection->questions == question.number;
  return waits ? connection : nullptr;
}

void Broker::answered(const QuestionId& question, AccessDecision decision, const Now& now) {
  Connection* connection = who_waits(question);
  if (!connection || connection->awaits == Awaits::authentication) return;
  settle(*connection, decision, now);
  go_on(*connection, now);
  finish_event(now);
}

// Goes on with what waited, as if it had been decided at once.
void Broker::settle(Connection& connection, const AccessDecision& access, const Now& now) {
  const Awaits awaited = std::exchange(connection.awaits, Awaits::nothing);
  if (awaited == Awaits::will) return will_decided(connection, access, now);
  const std::unique_ptr<PendingRequest> request = std::move(connection.aside.make().request);
  connection.tidy();
  if (awaited == Awaits::subscribe) return take_subscribe(connection, request->subscribe, &access, now);
  const wire::Publish publish = request->publish();
  if (!allows(access)) return refuse_publish(connection, publish, rule_of(access), now);
  if (disk_takes(connection, publish, now)) take_publish(connection, publish, request->message, now);
}

// It waited and does not any longer, or for something else.
void Broker::go_on(Connection& connection, const Now& now) {
  if (connection.ended) return;
  if (!connection.held()) {
    connection.endpoint.reading_resumed(now);
    if (!connection.unread.empty()) {
      unread_.push_back(connection.id);
    } else if (!connection.reading_paused) {
      ports_.transport.pause_reading(connection.id, false);
    }
  }
  service(connection, now);
  arm(connection);
}

// The connection is lost: nobody hears the answer any more.
void Broker::forget_questions(Connection& connection, const Now& now) {
  connection.last_words = true;
  forsake_check(connection);
  if (std::exchange(connection.awaits, Awaits::nothing) == Awaits::nothing) return;
  if (!connection.session) connection.unread.clear();  // it was never let in
  const std::unique_ptr<PendingRequest> request = std::move(connection.aside.make().request);
  if (!request || !request->message) return;
  ++counters_.publish_dropped;
  verdicts_.record({VerdictReason::denied, connection.session->client_id, request->message->topic(),
                    "the connection was lost before the authorizer's answer"},
                   now);
}

// ---- refusals

void Broker::deny(Session& session, DeniedAction action, std::string_view topic, const char* rule, const Now& now) {
  verdicts_.record({VerdictReason::denied, session.client_id, topic, rule}, now);
  if (!ports_.log.wants(LogLevel::warning)) return;
  DenialLog::Kind& kind = session.standing.make().denials.make().kinds[static_cast<std::size_t>(action)];
  if (kind.logged_at_ms != 0 && now.mono_ms < kind.logged_at_ms + kDenialLogMs) {
    ++kind.unlogged;
    return;
  }
  kind.logged_at_ms = now.mono_ms;
  log_denied(session, action, {topic, rule, std::exchange(kind.unlogged, 0)});
}

bool Broker::may_receive(Session& session, std::string_view topic, const Now& now) {
  const AccessDecision access = ports_.authorizer.may_receive(actor_of(session), topic);
  if (allows(access)) return true;
  ++counters_.publish_dropped;
  deny(session, DeniedAction::receive, topic, rule_of(access), now);
  return false;
}

}  // namespace martlet::broker
