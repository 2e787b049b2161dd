// Who a client is: from its CONNECT to the welcome, now or when the answer has come, and again later [4.12].
#include <fmt/format.h>

#include <utility>

#include "base/printable.h"
#include "broker/broker.h"

namespace martlet::broker {

using wire::PropertyId;
using wire::ReasonCode;

namespace {

constexpr const char* kExpired = "the token has expired";
constexpr const char* kTooManyChecks = "abuse.max_checks_per_address";

VerdictReason verdict_on(ReasonCode reason) {
  switch (reason) {
    case ReasonCode::connection_rate_exceeded:
      return VerdictReason::connect_rate;
    case ReasonCode::banned:
    case ReasonCode::not_authorized:
    case ReasonCode::bad_user_name_or_password:
      return VerdictReason::denied;
    default:
      return VerdictReason::connect_refused;
  }
}

// That nobody could be asked is not the client's fault.
Doorkeeper::CheckEnd check_end_of(const AuthDecision& decision) {
  if (decision.kind == AuthDecision::Kind::allow) return Doorkeeper::CheckEnd::allowed;
  const bool about_client = decision.kind == AuthDecision::Kind::refuse &&
                            decision.reason != ReasonCode::server_unavailable &&
                            decision.reason != ReasonCode::server_busy;
  return about_client ? Doorkeeper::CheckEnd::refused : Doorkeeper::CheckEnd::undecided;
}

std::uint64_t key_of(ConnectionId id) {
  return std::uint64_t{id.generation} << 32 | id.slot;
}

// A decision's time by the clock on the wall, as a deadline.
DeadlineMs deadline_of(std::int64_t until_wall_ms, const Now& now) {
  return until_wall_ms == 0 ? kNever : now.mono_ms + (until_wall_ms - now.wall_ms);
}

}  // namespace

// As far as the broker keeps them: without the password.
ConnectFacts Broker::facts_of(Connection& connection) {
  ConnectFacts facts;
  const std::string_view username =
      connection.session ? connection.session->username.view() : std::string_view(connection.aside->pending->username);
  facts.client_id = connection.session ? connection.session->client_id.view()
                                       : std::string_view(connection.aside->pending->client_id);
  if (!username.empty()) facts.username = username;
  facts.peer_address = connection.peer_address();
  facts.listener = connection.policy->name;
  facts.version = connection.endpoint.version();
  facts.listener_index = connection.listener_index;
  facts.peer = connection.aside->peer.get();
  facts.question = {connection.id, ++connection.questions};
  facts.answers = connection.last_words ? nullptr : ports_.answers;
  return facts;
}

void Broker::authenticate(Connection& connection, const wire::Connect& connect, const Now& now) {
  ConnectFacts facts = facts_of(connection);
  facts.username = connect.username;
  facts.password = connect.password;
  if (ports_.doorkeeper) {
    // Under the name by which identified() will know it.
    ConnectFacts named = facts;
    if (connection.policy->username_as_client_id) named.client_id = connect.username.value_or("");
    const ReasonCode reason = ports_.doorkeeper->admit(named, now);
    if (reason != ReasonCode::success) {
      return refuse(connection, reason, "admission", facts.client_id, now, verdict_on(reason));
    }
  }
  const auto method = connect.properties.text(PropertyId::authentication_method);
  if (method) connection.aside.make().exchange = ports_.authenticator.begin(*method, facts);
  if (method && !connection.aside->exchange) {
    return refuse(connection, ReasonCode::bad_authentication_method, "MQTT-4.12.0-1",
                  connection.aside->pending->client_id, now);
  }
  if (!begin_check(connection, now)) {
    return refuse(connection, ReasonCode::server_busy, kTooManyChecks, facts.client_id, now);
  }
  if (!method) return decide(connection, ports_.authenticator.authenticate(facts), now);
  const auto data = connect.properties.binary(PropertyId::authentication_data);
  decide(connection, connection.aside->exchange->step(data.value_or(ByteView()), facts.question), now);
}

// False: it is to be refused as busy.
bool Broker::begin_check(Connection& connection, const Now& now) {
  if (!ports_.doorkeeper) return true;
  const auto check = ports_.doorkeeper->begin_check(connection.peer_address(), now);
  if (check) connection.aside.make().check = check;
  return check.has_value();
}

void Broker::end_check(Connection& connection, const AuthDecision& decision, const Now& now) {
  if (!connection.aside->check) return;
  const Doorkeeper::Check check = *std::exchange(connection.aside.make().check, std::nullopt);
  ports_.doorkeeper->checked(check, connection.peer_address(), check_end_of(decision), now);
}

// The connection ends before its answer came. The doorkeeper still hears it: else who leaves early could guess
// uncounted, and ask without end.
void Broker::forsake_check(Connection& connection) {
  if (connection.awaits != Awaits::authentication || !connection.aside->check) return;
  const Doorkeeper::Check check = *std::exchange(connection.aside.make().check, std::nullopt);
  forsaken_[key_of(connection.id)] = {connection.questions, check, std::string(connection.peer_address())};
}

void Broker::hear_forsaken(const QuestionId& question, const AuthDecision& decision, const Now& now) {
  const auto at = forsaken_.find(key_of(question.connection));
  if (at == forsaken_.end() || at->second.question != question.number) return;
  const ForsakenCheck forsaken = std::move(at->second);
  forsaken_.erase(at);
  ports_.doorkeeper->checked(forsaken.check, forsaken.peer_address, check_end_of(decision), now);
}

void Broker::decide(Connection& connection, AuthDecision decision, const Now& now) {
  PendingConnect& pending = *connection.aside->pending;
  if (must_wait(connection, decision)) return await(connection, Awaits::authentication);
  refuse_expired(decision, now);
  end_check(connection, decision, now);
  if (decision.kind == AuthDecision::Kind::challenge) {
    return challenge(connection, ReasonCode::continue_authentication, decision.data, now);
  }
  if (decision.kind != AuthDecision::Kind::allow) {
    if (pending.username.empty()) pending.username = std::move(decision.username);
    return refuse(connection, told_reason(decision.reason), "authentication", pending.client_id, now,
                  VerdictReason::denied, decision.reason_string, decision.detail);
  }
  if (!decision.username.empty()) pending.username = decision.username;
  if (decision.anonymous) pending.username.clear();
  connection.aside.make().expires_at_ms = deadline_of(decision.until_wall_ms, now);
  pending.decision = std::move(decision);
  if (name_client(connection, now)) ask_for_will(connection, now);
}

// What cannot be answered later, because nobody hears it, is refused now.
bool Broker::must_wait(const Connection& connection, AuthDecision& decision) const {
  if (decision.kind != AuthDecision::Kind::pending) return false;
  if (ports_.answers && !connection.last_words) return true;
  decision = AuthDecision::refuse(ReasonCode::server_unavailable, "the client cannot be authenticated now");
  return false;
}

void Broker::refuse_expired(AuthDecision& decision, const Now& now) {
  const bool expired = decision.until_wall_ms != 0 && decision.until_wall_ms <= now.wall_ms;
  if (decision.kind == AuthDecision::Kind::allow && expired) {
    decision = AuthDecision::refuse(ReasonCode::not_authorized, kExpired);
  }
}

ReasonCode Broker::told_reason(ReasonCode reason) const {
  const bool hide = options_.refuse_as_not_authorized && reason == ReasonCode::bad_user_name_or_password;
  return hide ? ReasonCode::not_authorized : reason;
}

// The listener may want clients to be called by their user names.
bool Broker::name_client(Connection& connection, const Now& now) {
  PendingConnect& pending = *connection.aside->pending;
  if (!connection.policy->username_as_client_id) return true;
  if (pending.username.empty()) {
    refuse(connection, ReasonCode::not_authorized, "username_as_client_id, and there is no user name",
           pending.client_id, now, VerdictReason::denied);
    return false;
  }
  // The connection was brought here by what CONNECT says; authentication may have found another name.
  if (home_core(sessions_.hash_of(pending.username), commons_.cores()) != ports_.core) {
    refuse(connection, ReasonCode::client_identifier_not_valid,
           "username_as_client_id: authentication changed the user name, which needs a broker of one thread",
           pending.client_id, now);
    return false;
  }
  pending.client_id = pending.username;
  return true;
}

// Asked once it is known who the client is, so that nobody learns or does anything in another's name.
void Broker::ask_for_will(Connection& connection, const Now& now) {
  const PendingConnect& pending = *connection.aside->pending;
  if (!pending.will.message) return enter(connection, now);
  if (ports_.records.full()) {
    return refuse(connection, ReasonCode::server_busy, "the disk is full or failing: no will can be kept",
                  pending.client_id, now);
  }
  const session::Message& will = *pending.will.message;
  const AccessDecision access =
      ports_.authorizer.may_publish(actor_of(connection), will.topic(), will.facts().qos, will.facts().retain);
  if (must_wait(connection, access)) return await(connection, Awaits::will);
  will_decided(connection, access, now);
}

void Broker::will_decided(Connection& connection, const AccessDecision& access, const Now& now) {
  if (allows(access)) return enter(connection, now);
  refuse(connection, ReasonCode::not_authorized, rule_of(access), connection.aside->pending->client_id, now,
         VerdictReason::denied, "the client may not publish to its will topic");
}

// What a user subscribed to and is still owed was allowed to that user: to know a client identifier must not be enough
// to get it, nor to end its connection. A session of nobody's is for whoever comes.
bool Broker::may_have(const Session& session, std::string_view username) const {
  return !options_.session_bound_to_user || session.username.empty() || session.username.view() == username;
}

void Broker::enter(Connection& connection, const Now& now) {
  const std::string& client_id = connection.aside->pending->client_id;
  // Others may have come in since it was admitted.
  if (!has_room(connection, client_id)) {
    return refuse(connection, ReasonCode::server_busy, "limits.max_connections", client_id, now,
                  VerdictReason::too_many_connections);
  }
  const Session* known = sessions_.find(client_id);
  if (known && !may_have(*known, connection.aside->pending->username)) {
    return refuse(connection, ReasonCode::not_authorized,
                  "mqtt.session_bound_to_user: the session of this client identifier is another user's", client_id, now,
                  VerdictReason::denied, "the client identifier is another user's");
  }
  if (commons_.sessions >= options_.max_sessions && !known) {
    return refuse(connection, ReasonCode::quota_exceeded, "limits.max_sessions", client_id, now);
  }
  if (ports_.doorkeeper) ports_.doorkeeper->identified(facts_of(connection), now);
  welcome(connection, now);
  connection.aside.make().exchange.reset();
  connection.tidy();
}

void Broker::on_auth(Connection& connection, const session::AuthReceived& received, const Now& now) {
  const ConnectFacts facts = facts_of(connection);
  if (received.restart) {
    connection.aside.make().exchange = ports_.authenticator.begin(connection.endpoint.authentication_method(), facts);
  }
  AuthDecision decision = AuthDecision::refuse(ReasonCode::not_authorized);
  if (!begin_check(connection, now)) {
    decision = AuthDecision::refuse(ReasonCode::server_busy, kTooManyChecks);
  } else if (connection.aside->exchange) {
    const auto data = received.auth.properties.binary(PropertyId::authentication_data);
    decision = connection.aside->exchange->step(data.value_or(ByteView()), facts.question);
  }
  connection.endpoint.connected() ? decide_again(connection, std::move(decision), now)
                                  : decide(connection, std::move(decision), now);
}

// The outcome of a step of re-authentication [4.12.1].
void Broker::decide_again(Connection& connection, AuthDecision decision, const Now& now) {
  if (must_wait(connection, decision)) return await(connection, Awaits::authentication);
  Session& session = *connection.session;
  refuse_expired(decision, now);
  if (decision.kind == AuthDecision::Kind::allow && !decision.username.empty() &&
      decision.username != session.username.view()) {
    decision = AuthDecision::refuse(ReasonCode::not_authorized, "the connection is another user's");
  }
  end_check(connection, decision, now);
  if (decision.kind == AuthDecision::Kind::challenge) {
    return challenge(connection, ReasonCode::continue_authentication, decision.data, now);
  }
  if (decision.kind != AuthDecision::Kind::allow) {
    connection.endpoint.disconnect(decision.reason, decision.reason_string, ports_.transport.outbox(connection.id));
    if (ports_.log.wants(LogLevel::warning)) {
      const std::string& told = decision.detail.empty() ? decision.reason_string : decision.detail;
      log_refused(connection, {session.client_id, decision.reason, "authentication again: " + told});
    }
    return end_connection(connection, {VerdictReason::denied, {}, {}, "MQTT-4.12.1-2"}, now, LogLevel::debug);
  }
  set_grants(session, std::move(decision.grants));
  connection.aside.make().expires_at_ms = deadline_of(decision.until_wall_ms, now);
  connection.aside.make().exchange.reset();
  connection.tidy();
  challenge(connection, ReasonCode::success, decision.data, now);
  if (!connection.ended) arm(connection);
}

// Sends AUTH; a client that cannot take one that large cannot be authenticated.
void Broker::challenge(Connection& connection, ReasonCode reason, ByteView data, const Now& now) {
  connection.endpoint.send_auth(reason, connection.endpoint.authentication_method(), data,
                                ports_.transport.outbox(connection.id));
  if (connection.endpoint.closed())
    end_connection(connection, {VerdictReason::too_large, {}, {}, "MQTT-3.1.2-24"}, now);
}

void Broker::set_grants(Session& session, std::shared_ptr<const Grants> grants) {
  if (grants || session.standing->grants) session.standing.make().grants = std::move(grants);
}

void Broker::end_expired(Connection& connection, const Now& now) {
  if (connection.aside->pending) {  // the question about its will took too long
    return refuse(connection, ReasonCode::not_authorized, kExpired, connection.aside->pending->client_id, now,
                  VerdictReason::denied);
  }
  connection.endpoint.disconnect(ReasonCode::not_authorized, kExpired, ports_.transport.outbox(connection.id));
  end_connection(connection, {VerdictReason::denied, {}, {}, kExpired}, now);
}

void Broker::answered(const QuestionId& question, AuthDecision decision, const Now& now) {
  Connection* connection = who_waits(question);
  if (!connection || connection->awaits != Awaits::authentication) return hear_forsaken(question, decision, now);
  connection->awaits = Awaits::nothing;
  // An answer is the last word.
  if (decision.kind == AuthDecision::Kind::pending) decision = AuthDecision::refuse(ReasonCode::server_unavailable);
  connection->endpoint.connected() ? decide_again(*connection, std::move(decision), now)
                                   : decide(*connection, std::move(decision), now);
  go_on(*connection, now);
  finish_event(now);
}

}  // namespace martlet::broker
