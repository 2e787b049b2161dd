// The turn, reading, and what the owner does to a connection.
#include "net/reactor.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/check.h"
#include "net/poll_token.h"

namespace martlet::net {

namespace {

// Written together where that is cheaper than one by one.
constexpr std::size_t kSendsAtOnce = 256;

}  // namespace

Reactor::Reactor(env::Network& network, env::Clock& clock, ReactorHandler& handler, const ReactorOptions& options)
    : network_(network),
      clock_(clock),
      handler_(handler),
      options_(options),
      now_(clock.now()),
      batch_(network.streams() ? kSendsAtOnce : 1),
      read_buffer_(std::max<std::size_t>(options.read_buffer_bytes, 1)),
      events_(std::max<std::size_t>(options.events_per_turn, 1)) {}

Reactor::~Reactor() {
  stop_listening();
  for (std::uint32_t slot = 0; slot < table_.slots(); ++slot) {
    const Connection& connection = table_.at(slot);
    if (connection.state != ConnectionState::free) network_.close(connection.handle);
  }
}

Connection* Reactor::find_owned(ConnectionId id) {
  Connection* connection = table_.find(id);
  if (!connection) return nullptr;
  const bool owned = connection->state == ConnectionState::connecting || connection->state == ConnectionState::open;
  return owned ? connection : nullptr;
}

void Reactor::mark_dirty(Connection& connection, std::uint32_t slot) {
  if (connection.dirty) return;
  connection.dirty = true;
  dirty_.push_back(slot);
}

void Reactor::set_deadline(Connection& connection, ConnectionId id, DeadlineMs at) {
  connection.deadline = at;
  if (at != kNever) alarms_.push({at, id});
}

void Reactor::drop(ConnectionId id) {
  Connection* connection = table_.find(id);
  if (connection->state == ConnectionState::connecting) untried_.erase(id.slot);
  network_.close(connection->handle);
  table_.remove(id);
}

void Reactor::lose(ConnectionId id, CloseReason reason, int system_code) {
  const bool owned = find_owned(id) != nullptr;
  drop(id);
  if (owned) handler_.closed(id, reason, system_code);
}

ByteChain& Reactor::outbox(ConnectionId id) {
  if (Connection* connection = find_owned(id)) return connection->outbox;
  nowhere_.clear();
  return nowhere_;
}

void Reactor::touch(ConnectionId id) {
  if (Connection* connection = find_owned(id)) mark_dirty(*connection, id.slot);
}

bool Reactor::above_high_water(ConnectionId id) {
  Connection* connection = find_owned(id);
  if (!connection || connection->outbox.size() <= options_.outbox_high_bytes) return false;
  connection->above_high = true;
  return true;
}

void Reactor::pause_reading(ConnectionId id) {
  Connection* connection = find_owned(id);
  if (!connection) return;
  connection->reading_paused = true;
  mark_dirty(*connection, id.slot);
}

void Reactor::resume_reading(ConnectionId id) {
  Connection* connection = find_owned(id);
  if (!connection) return;
  connection->reading_paused = false;
  mark_dirty(*connection, id.slot);
}

void Reactor::close(ConnectionId id) {
  if (find_owned(id)) drop(id);
}

void Reactor::close_after_flush(ConnectionId id, DeadlineMs deadline) {
  Connection* connection = find_owned(id);
  if (!connection) return;
  // Nothing was sent on either, and nothing will be.
  if (connection->state == ConnectionState::connecting || connection->write_error != 0) return drop(id);
  connection->state = ConnectionState::finishing;
  connection->reading_paused = false;
  connection->above_high = false;
  set_deadline(*connection, id, deadline);
  mark_dirty(*connection, id.slot);
}

Result<void> Reactor::watch_external(env::Handle handle, std::uint32_t token) {
  return network_.watch(handle, {.read = true}, poll_token(PollKind::external, token));
}

void Reactor::unwatch_external(env::Handle handle) {
  network_.unwatch(handle);
}

bool Reactor::turn(DeadlineMs wake_at) {
  const std::size_t events = wait_and_dispatch(wake_at);
  const bool sending = !dirty_.empty();
  flush();
  return events > 0 || sending;
}

std::size_t Reactor::wait_and_dispatch(DeadlineMs wake_at) {
  check(!in_callback_, "a handler does not turn its own reactor");
  in_callback_ = true;
  std::int64_t timeout_ms = timeout_until(wake_at);
  const bool waits = timeout_ms != 0;
  if (waits && (!handler_.before_wait() || !dirty_.empty())) timeout_ms = 0;
  const std::size_t count = network_.wait(timeout_ms, events_);
  now_ = clock_.now();
  if (waits) handler_.after_wait();
  costly_left_ = std::max<std::size_t>(options_.costly_steps_per_turn, 1);
  run_queue();
  for (std::size_t i = 0; i < count; ++i) dispatch(events_[i]);
  run_alarms();
  resume_listeners();
  in_callback_ = false;
  return count;
}

std::int64_t Reactor::timeout_until(DeadlineMs wake_at) {
  if (!dirty_.empty() || !queue_.empty()) return 0;
  if (!alarms_.empty()) wake_at = std::min(wake_at, alarms_.top().at);
  for (const Listener& listener : listeners_) wake_at = std::min(wake_at, listener.resume_at);
  if (wake_at == kNever) return -1;
  return std::max<std::int64_t>(wake_at - clock_.now().mono_ms, 0);
}

void Reactor::dispatch(const env::Event& event) {
  switch (kind_of(event.token)) {
    case PollKind::connection:
      return connection_event(connection_of(event.token), event);
    case PollKind::listener:
      return accept_from({number_of(event.token)});
    case PollKind::external:
      return handler_.external_ready(number_of(event.token));
  }
}

void Reactor::connection_event(ConnectionId id, const env::Event& event) {
  // An earlier event of this turn may have closed it.
  Connection* connection = table_.find(id);
  if (!connection) return;
  if (connection->state == ConnectionState::connecting) return attempt_decided(*connection, id);
  if (!event.bytes.empty()) return bytes_came(*connection, id, event.bytes);
  if (event.writable && connection->write_blocked) {
    connection->write_blocked = false;
    mark_dirty(*connection, id.slot);
  }
  // Of a dead connection what had come is read, paused or not: its last word may be in it.
  const bool may_read = (!connection->reading_paused || event.hangup) && !connection->peer_ended;
  if (may_read && (event.readable || event.hangup)) return read_once(*connection, id, event.hangup);
  // The poller goes on telling of a dead connection, and nothing that is held back can be answered any more.
  if (event.hangup) lose(id, CloseReason::io_error, network_.connect_error(connection->handle));
}

void Reactor::read_once(Connection& connection, ConnectionId id, bool hangup) {
  if (connection.layers && !may_cost(connection, id)) return;
  const env::IoOutcome outcome = network_.read(connection.handle, read_buffer_);
  ++stats_.reads;
  switch (outcome.status) {
    case env::IoStatus::ok:
      return bytes_came(connection, id, ByteView(read_buffer_).first(outcome.bytes));
    case env::IoStatus::would_block:
      if (hangup) lose(id, CloseReason::io_error, network_.connect_error(connection.handle));
      return;
    case env::IoStatus::closed:
      return stream_ended(connection, id);
    case env::IoStatus::failed:
      return lose(id, CloseReason::io_error, outcome.system_code);
  }
}

void Reactor::bytes_came(Connection& connection, ConnectionId id, ByteView bytes) {
  stats_.bytes_in += bytes.size();
  if (connection.layers) return layered_bytes_came(connection, id, bytes);
  if (connection.state == ConnectionState::open) handler_.received(id, bytes);
}

void Reactor::stream_ended(Connection& connection, ConnectionId id) {
  connection.peer_ended = true;
  const bool owned = connection.state == ConnectionState::open;
  if (connection.state == ConnectionState::draining || connection.write_error != 0 || !anything_left(connection)) {
    return lose(id, CloseReason::peer_closed, 0);
  }
  // A peer that only ended its own half still gets its answers.
  if (owned) {
    connection.state = ConnectionState::finishing;
    set_deadline(connection, id, now_.mono_ms + options_.half_closed_linger_ms);
  }
  mark_dirty(connection, id.slot);
  if (owned) handler_.closed(id, CloseReason::peer_closed, 0);
}

void Reactor::run_alarms() {
  while (!alarms_.empty() && alarms_.top().at <= now_.mono_ms) {
    const Alarm alarm = alarms_.top();
    alarms_.pop();
    Connection* connection = table_.find(alarm.id);
    if (!connection || connection->deadline != alarm.at) continue;
    if (connection->state == ConnectionState::connecting) {
      attempt_failed(*connection, alarm.id, ETIMEDOUT);
    } else {
      lose(alarm.id, CloseReason::io_error, connection->write_error);
    }
  }
}

}  // namespace martlet::net
