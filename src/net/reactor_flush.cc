// Sending: each marked outbox once per turn, and what follows from how far it got.
#include "base/check.h"
#include "net/poll_token.h"
#include "net/reactor.h"

namespace martlet::net {

void Reactor::flush() {
  check(!in_callback_, "a handler does not flush its own reactor");
  in_callback_ = true;
  // What a callback marks from here on waits for the next flush, so one quick reader cannot hold the turn.
  flushing_.swap(dirty_);
  std::size_t next = 0;
  while (next < flushing_.size() || !batch_.empty()) {
    if (next == flushing_.size() || batch_.full()) {
      send_batch();
      continue;
    }
    const std::uint32_t slot = flushing_[next++];
    Connection& connection = table_.at(slot);
    // Closed since, and perhaps the slot's next user is in the list once more.
    if (!connection.dirty) continue;
    connection.dirty = false;
    begin_sending(connection, {slot, connection.generation});
  }
  flushing_.clear();
  in_callback_ = false;
}

void Reactor::begin_sending(Connection& connection, ConnectionId id) {
  if (connection.state == ConnectionState::connecting) return;
  if (connection.outbox.size() > options_.outbox_high_bytes) connection.above_high = true;
  if (connection.write_error != 0) drop_unsent(connection);
  // No callback before the batch is written: it might close whoever is in there.
  if (connection.write_blocked) return batch_.pass(id);
  const ByteChain& chain = connection.layers ? to_be_written(connection) : connection.outbox;
  if (chain.empty()) return batch_.pass(id);
  batch_.add(id, connection.handle, chain);
}

void Reactor::send_batch() {
  for (const SendBatch::Result& result : batch_.write(network_)) {
    if (result.offered_bytes > 0) ++stats_.writes;
    // An earlier one's callback may have closed it.
    Connection* connection = table_.find(result.id);
    if (!connection) continue;
    if (result.offered_bytes > 0 && !sent(*connection, result)) continue;
    after_sending(*connection, result.id);
  }
}

bool Reactor::sent(Connection& connection, const SendBatch::Result& result) {
  const env::IoOutcome& outcome = result.outcome;
  if (outcome.status == env::IoStatus::failed || outcome.status == env::IoStatus::closed) {
    return writing_failed(connection, result.id, outcome.system_code);
  }
  stats_.bytes_out += outcome.bytes;
  if (connection.layers) {
    connection.layers->wire().consume(outcome.bytes);
  } else {
    connection.outbox.consume(outcome.bytes);
    connection.sent = connection.sent || outcome.bytes > 0;
  }
  if (outcome.bytes < result.offered_bytes) {
    connection.write_blocked = true;
  } else if (anything_left(connection)) {
    // It takes all that it is given: more of it in this same flush.
    connection.dirty = true;
    flushing_.push_back(result.id.slot);
    return false;
  }
  return true;
}

bool Reactor::writing_failed(Connection& connection, ConnectionId id, int system_code) {
  drop_unsent(connection);
  // What the peer sent before it left is still there to be read, its good-bye perhaps.
  if (connection.state == ConnectionState::open && !connection.reading_paused) {
    connection.write_error = system_code;
    set_deadline(connection, id, now_.mono_ms + options_.half_closed_linger_ms);
    return true;
  }
  lose(id, CloseReason::io_error, system_code);
  return false;
}

void Reactor::after_sending(Connection& connection, ConnectionId id) {
  const bool finishing = connection.state == ConnectionState::finishing;
  // Layers have the last word, behind the last byte of the outbox.
  const bool said_goodbye = !connection.layers || connection.layers->ended();
  if (finishing && said_goodbye && !anything_left(connection)) return end_stream(connection, id);
  update_interest(connection, id);
  if (connection.above_high && connection.outbox.size() <= options_.outbox_low_bytes) {
    connection.above_high = false;
    if (connection.state == ConnectionState::open) handler_.drained(id);
  }
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
  const bool held = connection.layers && (connection.layers->queued || connection.layers->clogged());
  const env::Interest wanted{.read = !connection.reading_paused && !connection.peer_ended && !held,
                             .write = connection.write_blocked,
                             // Before its first byte goes out it may still be released.
                             .stream = connection.sent && network_.streams()};
  if (wanted == connection.armed) return;
  connection.armed = wanted;
  network_.change(connection.handle, wanted, poll_token(id));
}

}  // namespace martlet::net
