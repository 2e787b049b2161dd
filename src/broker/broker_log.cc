// What the log says of clients that come, go and are turned away.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "base/printable.h"
#include "broker/broker.h"

namespace martlet::broker {

namespace {

// `client "c" (user "u") at 192.0.2.1:5`, as far as it is known. A client identifier may be empty before CONNECT.
std::string shown(const LogSubject& subject, std::string_view user) {
  std::string text = subject.client.empty() ? "a client" : fmt::format("client \"{}\"", printable(subject.client));
  text += user;
  if (!subject.address.empty()) fmt::format_to(std::back_inserter(text), " at {}", subject.address);
  return text;
}

std::string shown(const LogSubject& subject) {
  return shown(subject, {});
}

std::string shown_with_user(const LogSubject& subject) {
  return shown(subject, subject.user.empty() ? " (anonymous)" : fmt::format(" (user \"{}\")", printable(subject.user)));
}

struct ActionTexts {
  const char* name;
  const char* denied;
};

ActionTexts texts_of(DeniedAction action) {
  switch (action) {
    case DeniedAction::publish:
      return {"publish", "may not publish to"};
    case DeniedAction::subscribe:
      return {"subscribe", "may not subscribe to"};
    case DeniedAction::receive:
      break;
  }
  return {"receive", "may not receive"};
}

}  // namespace

std::string_view without_token(std::string_view username) {
  const bool is_token = username.starts_with("eyJ") && std::count(username.begin(), username.end(), '.') == 2;
  return is_token ? "(a token)" : username;
}

LogSubject Broker::subject_of(const Session& session) {
  LogSubject subject{session.client_id, {}, without_token(session.username), {}};
  if (session.connection) {
    subject.address = session.peer_address;
    subject.listener = session.connection->policy->name;
  }
  return subject;
}

LogSubject Broker::subject_of(const Connection& connection) {
  if (connection.session) return subject_of(*connection.session);
  LogSubject subject{{}, connection.peer_address(), {}, connection.policy->name};
  if (const auto& pending = connection.aside->pending) {
    subject.client = pending->client_id;
    subject.user = without_token(pending->username);
  }
  return subject;
}

void Broker::log_connected(const Connection& connection, bool present) {
  if (!ports_.log.wants(LogLevel::info)) return;
  const Session& session = *connection.session;
  const LogSubject subject = subject_of(session);
  ports_.log.write(LogLevel::info,
                   fmt::format("{} is connected{}: MQTT {}, keep alive {} s, session {}, expiry {} s", shown(subject),
                               subject.user.empty() ? "" : fmt::format(" as \"{}\"", printable(subject.user)),
                               wire::version_name(connection.endpoint.version()), connection.endpoint.keep_alive_s(),
                               present ? "resumed" : "new", session.expiry_s),
                   subject);
}

void Broker::log_refused(const Connection& connection, const Refusal& refusal) {
  if (!ports_.log.wants(LogLevel::warning)) return;
  LogSubject subject = subject_of(connection);
  if (subject.client.empty()) subject.client = refusal.client_id;
  const bool tried = connection.aside->pending != nullptr;  // before that the user name does not matter
  const std::string reason = fmt::format("0x{:02X}", static_cast<unsigned>(refusal.reason));
  const LogField more[] = {{"reason", refusal.why}, {"reason_code", reason}};
  subject.more = more;
  ports_.log.write(LogLevel::warning,
                   fmt::format("{} is refused: {}, reason {} ({})", tried ? shown_with_user(subject) : shown(subject),
                               refusal.why, reason, wire::reason_text(refusal.reason)),
                   subject);
}

void Broker::log_failed(const Connection& connection, const wire::DecodeError& error) {
  if (!ports_.log.wants(LogLevel::warning)) return;
  LogSubject subject = subject_of(connection);
  const std::string reason = fmt::format("0x{:02X}", static_cast<unsigned>(error.reason));
  const LogField more[] = {{"reason", error.what}, {"reason_code", reason}};
  subject.more = more;
  ports_.log.write(LogLevel::warning,
                   fmt::format("{} is disconnected: {} [{}], reason {} ({})", shown(subject), error.what, error.clause,
                               reason, wire::reason_text(error.reason, wire::PacketType::disconnect)),
                   subject);
}

void Broker::log_end(const Connection& connection, std::string_view rule, LogLevel level) {
  if (!ports_.log.wants(level)) return;
  LogSubject subject = subject_of(connection);
  const LogField more[] = {{"reason", rule}};
  subject.more = more;
  ports_.log.write(level, fmt::format("{} is gone: {}", shown(subject), rule), subject);
}

void Broker::log_denied(const Session& session, DeniedAction action, const Denial& denial) {
  LogSubject subject = subject_of(session);
  const std::string more_text = denial.unlogged == 0 ? std::string() : std::to_string(denial.unlogged);
  const LogField more[] = {
      {"action", texts_of(action).name}, {"topic", denial.topic}, {"rule", denial.rule}, {"left_out", more_text}};
  subject.more = more;
  std::string line = fmt::format("{} {} \"{}\": {}", shown_with_user(subject), texts_of(action).denied,
                                 printable(denial.topic), denial.rule);
  if (denial.unlogged != 0) {
    fmt::format_to(std::back_inserter(line), "; {} more since the last such line", denial.unlogged);
  }
  ports_.log.write(LogLevel::warning, line, subject);
}

void Broker::log_loss(const Session& session, LogLevel level, std::uint64_t messages, std::string_view why) {
  if (!ports_.log.wants(level)) return;
  LogSubject subject = subject_of(session);
  const std::string count = std::to_string(messages);
  const LogField more[] = {{"messages", count}, {"reason", why}};
  subject.more = more;
  ports_.log.write(level, fmt::format("{} loses {} messages that waited for it: {}", shown(subject), messages, why),
                   subject);
}

void Broker::log_unlogged_denials(Session& session) {
  if (!session.standing->denials.has_memory() || !ports_.log.wants(LogLevel::warning)) return;
  auto& kinds = session.standing.make().denials.make().kinds;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    DenialLog::Kind& kind = kinds[i];
    if (kind.unlogged == 0) continue;
    LogSubject subject = subject_of(session);
    const ActionTexts texts = texts_of(static_cast<DeniedAction>(i));
    const std::string count = std::to_string(std::exchange(kind.unlogged, 0));
    const LogField more[] = {{"action", texts.name}, {"left_out", count}};
    subject.more = more;
    ports_.log.write(
        LogLevel::warning,
        fmt::format("{}: {} more since the last line about what it {}", shown_with_user(subject), count, texts.denied),
        subject);
  }
}

void Broker::log_subscribed(const Session& session, std::string_view filter, wire::QoS qos) {
  if (!ports_.log.wants(LogLevel::debug)) return;
  LogSubject subject = subject_of(session);
  const LogField more[] = {{"filter", filter}};
  subject.more = more;
  ports_.log.write(
      LogLevel::debug,
      fmt::format("{} subscribes to \"{}\" at QoS {}", shown(subject), printable(filter), static_cast<unsigned>(qos)),
      subject);
}

void Broker::log_held(const Connection& connection) {
  if (!ports_.log.wants(LogLevel::info)) return;
  const LogSubject subject = subject_of(connection);
  ports_.log.write(LogLevel::info,
                   fmt::format("{} publishes faster than it may and is held from time to time: limits.publish_rate "
                               "and its like",
                               shown(subject)),
                   subject);
}

}  // namespace martlet::broker
