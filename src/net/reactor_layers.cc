// What layers between a socket and its owner change: more is said than the owner says, some of it is costly, and a
// stream may end before its socket does.
#include "net/reactor.h"

namespace martlet::net {

bool Reactor::layered(ConnectionId id) {
  const Connection* connection = find_owned(id);
  return connection && connection->layers;
}

bool Reactor::ready(ConnectionId id) {
  const Connection* connection = find_owned(id);
  return connection && connection->state == ConnectionState::open &&
         (!connection->layers || connection->layers->ready());
}

std::shared_ptr<const PeerFacts> Reactor::peer_facts(ConnectionId id) {
  const Connection* connection = find_owned(id);
  return connection && connection->layers ? connection->layers->facts() : nullptr;
}

void Reactor::layered_bytes_came(Connection& connection, ConnectionId id, ByteView bytes) {
  LayerStack& layers = *connection.layers;
  const bool open = connection.state == ConnectionState::open;
  // What a finishing connection has to send may wait for the end of a handshake.
  const bool awaits_handshake = connection.state == ConnectionState::finishing && !layers.ended() && !layers.ready();
  if (layers.status() != LayerStatus::open || (!open && !awaits_handshake)) return;
  LayerStack::Judge judge;
  if (open) judge = [this, id](std::string_view peer_address) { return handler_.located(id, peer_address); };
  const ByteView plain = layers.receive(bytes, scratch_, judge);
  if (layers.turned_away()) return drop(id);
  // For what the layers answer, and for the outbox, that may have waited for a handshake.
  if (anything_left(connection)) mark_dirty(connection, id.slot);
  if (open && !plain.empty()) handler_.received(id, plain);
  // It may have been closed there, or released: then its layers' end is told where it is adopted.
  Connection* still = table_.find(id);
  if (still && still->layers->status() != LayerStatus::open) layers_over(*still, id);
}

void Reactor::layers_over(Connection& connection, ConnectionId id) {
  const bool failed = connection.layers->status() == LayerStatus::failed;
  const bool owned = connection.state == ConnectionState::open;
  if (connection.write_error != 0 && !failed) return lose(id, CloseReason::peer_closed, 0);
  // A failed one sends its last word, no more; one that has ended, as a half-closed peer, still gets its answers.
  if (failed) connection.outbox.clear();
  if (owned) {
    connection.state = ConnectionState::finishing;
    connection.reading_paused = false;
    connection.above_high = false;
    set_deadline(connection, id, now_.mono_ms + options_.half_closed_linger_ms);
  }
  mark_dirty(connection, id.slot);
  if (!owned) return;
  if (!failed) return handler_.closed(id, CloseReason::peer_closed, 0);
  last_failure_ = connection.layers->failure();
  handler_.closed(id, CloseReason::layer_failed, 0);
}

bool Reactor::may_cost(Connection& connection, ConnectionId id) {
  LayerStack& layers = *connection.layers;
  if (layers.ended() || layers.status() != LayerStatus::open || !layers.costly()) return true;
  if (costly_left_ > 0) {
    --costly_left_;
    return true;
  }
  if (!layers.queued) {
    // Out of the poller's sight: it would tell of it in each turn, in the place of others.
    layers.queued = true;
    queue_.push_back(id);
    mark_dirty(connection, id.slot);
  }
  return false;
}

void Reactor::run_queue() {
  for (std::size_t left = queue_.size(); left > 0 && costly_left_ > 0; --left) {
    const ConnectionId id = queue_.front();
    queue_.pop_front();
    Connection* connection = table_.find(id);
    if (!connection) continue;
    connection->layers->queued = false;
    mark_dirty(*connection, id.slot);
    if (connection->layers->status() != LayerStatus::open) {
      layers_over(*connection, id);
    } else if (!connection->reading_paused && !connection->peer_ended) {
      read_once(*connection, id, false);
    }
  }
}

ByteChain& Reactor::to_be_written(Connection& connection) {
  LayerStack& layers = *connection.layers;
  if (layers.send(connection.outbox) > 0) connection.sent = true;
  if (connection.state == ConnectionState::finishing) {
    // Nobody is left to shake hands with.
    const bool over = connection.peer_ended || layers.status() != LayerStatus::open;
    if (over && !layers.ready()) connection.outbox.clear();
    if (connection.outbox.empty()) layers.end();
  }
  return layers.wire();
}

bool Reactor::anything_left(const Connection& connection) {
  return !connection.outbox.empty() || (connection.layers && !connection.layers->wire().empty());
}

void Reactor::drop_unsent(Connection& connection) {
  connection.outbox.clear();
  if (connection.layers) connection.layers->wire().clear();
}

}  // namespace martlet::net
