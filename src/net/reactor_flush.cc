// Sending: each marked outbox once per turn, and what follows from how far it got.
#include <array>

#include "base/check.h"
#include "net/poll_token.h"
#include "net/reactor.h"

namespace martlet::net {

void Reactor::flush() {
  check(!in_callback_, "a handler does not flush its own reactor");
  in_callback_ = true;
  // What a callback marks from here on waits for the next flush, so one quick reader cannot hold the turn.
  flushing_.swap(dirty_);
  for (const std::uint32_t slot : flushing_) {
    Connection& connection = table_.at(slot);
    // Closed since, and perhaps the slot's next user is in the list once more.
    if (!connection.dirty) continue;
    connection.dirty = false;
    flush_one(connection, {slot, connection.generation});
  }
  flushing_.clear();
  in_callback_ = false;
}

void Reactor::flush_one(Connection& connection, ConnectionId id) {
  if (connection.state == ConnectionState::connecting) return;
  if (connection.outbox.size() > options_.outbox_high_bytes) connection.above_high = true;
  if (!connection.write_blocked && !send_outbox(connection, id)) return;
  if (connection.state == ConnectionState::finishing && connection.outbox.empty()) return end_stream(connection, id);
  update_interest(connection, id);
  if (connection.above_high && connection.outbox.size() <= options_.outbox_low_bytes) {
    connection.above_high = false;
    if (connection.state == ConnectionState::open) handler_.drained(id);
  }
}

bool Reactor::send_outbox(Connection& connection, ConnectionId id) {
  if (connection.write_error != 0) connection.outbox.clear();
  std::array<ByteView, env::kMaxWriteViews> views;
  while (!connection.outbox.empty()) {
    const std::size_t count = connection.outbox.front(views.data(), views.size());
    std::size_t offered = 0;
    for (std::size_t i = 0; i < count; ++i) offered += views[i].size();
    const env::IoOutcome outcome = network_.write(connection.handle, std::span(views).first(count));
    ++stats_.writes;
    if (outcome.status == env::IoStatus::failed || outcome.status == env::IoStatus::closed) {
      connection.outbox.clear();
      // What the peer sent before it left is still there to be read, its good-bye perhaps.
      if (connection.state == ConnectionState::open && !connection.reading_paused) {
        connection.write_error = outcome.system_code;
        set_deadline(connection, id, now_.mono_ms + options_.half_closed_linger_ms);
        return true;
      }
      lose(id, CloseReason::io_error, outcome.system_code);
      return false;
    }
    stats_.bytes_out += outcome.bytes;
    connection.outbox.consume(outcome.bytes);
    if (outcome.bytes < offered) {
      connection.write_blocked = true;
      return true;
    }
  }
  return true;
}

// The outbox of a finishing connection is sent.
void Reactor::end_stream(Connection& connection, ConnectionId id) {
  if (connection.peer_ended) return drop(id);
  // Closing with unread bytes would reset the connection, and the reset could overtake what has just been sent.
  network_.shutdown_write(connection.handle);
  connection.state = ConnectionState::draining;
  update_interest(connection, id);
}

void Reactor::update_interest(Connection& connection, ConnectionId id) {
  const env::Interest wanted{.read = !connection.reading_paused && !connection.peer_ended,
                             .write = connection.write_blocked};
  if (wanted == connection.armed) return;
  connection.armed = wanted;
  network_.change(connection.handle, wanted, poll_token(id));
}

}  // namespace martlet::net
