// The door: listeners, accept limits, what happens when descriptors run out, and sockets that change their reactor.
#include <memory>
#include <utility>

#include "base/check.h"
#include "net/poll_token.h"
#include "net/reactor.h"

namespace martlet::net {

Result<ListenerId> Reactor::listen(const env::Endpoint& endpoint, const env::ListenOptions& options,
                                   LayerFactories layers) {
  const auto handle = network_.listen(endpoint, options);
  if (!handle) return tl::unexpected(handle.error());
  const ListenerId id{static_cast<std::uint32_t>(listeners_.size())};
  const auto watched = network_.watch(*handle, {.read = true}, poll_token(PollKind::listener, id.index));
  if (!watched) {
    network_.close(*handle);
    return tl::unexpected(watched.error());
  }
  listeners_.push_back({*handle, kNever, std::move(layers)});
  return id;
}

Result<env::Endpoint> Reactor::local_endpoint(ListenerId listener) {
  if (listener.index >= listeners_.size() || listeners_[listener.index].handle == env::Handle::none) {
    return fail("the listener is closed");
  }
  return network_.local_endpoint(listeners_[listener.index].handle);
}

void Reactor::stop_listening() {
  for (Listener& listener : listeners_) {
    if (listener.handle != env::Handle::none) network_.close(listener.handle);
    listener = Listener();
  }
}

void Reactor::accept_from(ListenerId id) {
  for (std::size_t i = 0; i < options_.accepts_per_turn; ++i) {
    // By index each time: the handler may open listeners, or close them all.
    Listener& listener = listeners_[id.index];
    if (listener.handle == env::Handle::none) return;
    const env::Accepted accepted = network_.accept(listener.handle);
    switch (accepted.status) {
      case env::AcceptStatus::accepted:
        admit(id, accepted);
        break;
      case env::AcceptStatus::would_block:
        return;
      case env::AcceptStatus::aborted:
        break;
      case env::AcceptStatus::out_of_descriptors:
        rest(listener);
        return shed_waiting(id);
      case env::AcceptStatus::failed:
        rest(listener);
        return refuse(id, RefuseReason::system_error);
    }
  }
}

void Reactor::admit(ListenerId listener, const env::Accepted& accepted) {
  const auto id = take_in(accepted.handle);
  if (!id) return handler_.refused(listener, id.error());
  const LayerFactories& factories = listeners_[listener.index].layers;
  if (!factories.empty()) table_.at(id->slot).layers = std::make_unique<LayerStack>(factories, accepted.peer_address);
  handler_.accepted(*id, listener, accepted.peer_address);
}

Result<ConnectionId> Reactor::adopt(ReleasedConnection released) {
  const auto id = take_in(released.handle);
  if (!id) {
    return fail(id.error() == RefuseReason::too_many_connections ? "too many connections"
                                                                 : "the poller does not take the connection");
  }
  Connection& connection = table_.at(id->slot);
  connection.layers = std::move(released.layers);
  if (connection.layers) {
    if (!connection.layers->wire().empty()) mark_dirty(connection, id->slot);
    // Over since the very bytes with which it was released: nothing more may come that would tell.
    connection.layers->queued = connection.layers->status() != LayerStatus::open;
    if (connection.layers->queued) queue_.push_back(*id);
  }
  return *id;
}

tl::expected<ConnectionId, RefuseReason> Reactor::take_in(env::Handle handle) {
  if (table_.size() >= options_.max_connections) {
    network_.close(handle);
    count_refusal(RefuseReason::too_many_connections);
    return tl::unexpected(RefuseReason::too_many_connections);
  }
  const ConnectionId id = table_.add();
  Connection& connection = table_.at(id.slot);
  connection.handle = handle;
  connection.state = ConnectionState::open;
  connection.armed = {.read = true};
  if (!network_.watch(handle, connection.armed, poll_token(id))) {
    drop(id);
    count_refusal(RefuseReason::system_error);
    return tl::unexpected(RefuseReason::system_error);
  }
  ++stats_.accepted;
  return id;
}

void Reactor::count_refusal(RefuseReason reason) {
  switch (reason) {
    case RefuseReason::too_many_connections:
      ++stats_.refused_too_many;
      break;
    case RefuseReason::out_of_descriptors:
      ++stats_.refused_out_of_descriptors;
      break;
    case RefuseReason::system_error:
      ++stats_.refused_system_error;
      break;
  }
}

void Reactor::refuse(ListenerId listener, RefuseReason reason) {
  count_refusal(reason);
  handler_.refused(listener, reason);
}

ReleasedConnection Reactor::release(ConnectionId id) {
  Connection* connection = find_owned(id);
  if (!connection) return {};
  check(connection->state == ConnectionState::open && connection->outbox.empty() && !connection->sent,
        "only an open connection to which nothing was sent is released");
  ReleasedConnection released{connection->handle, std::move(connection->layers)};
  // The poller would go on telling of a socket that stays open.
  network_.unwatch(released.handle);
  table_.remove(id);
  ++stats_.released;
  return released;
}

// The waiting connections keep the listener readable: without a rest each turn would fail on them again at once.
void Reactor::rest(Listener& listener) {
  if (listener.resume_at == kNever) network_.unwatch(listener.handle);
  listener.resume_at = now_.mono_ms + options_.accept_rest_ms;
}

void Reactor::shed_waiting(ListenerId id) {
  // Told at least once, even if the reserve is gone and nobody could be turned away.
  bool shed = network_.shed(listeners_[id.index].handle);
  refuse(id, RefuseReason::out_of_descriptors);
  for (std::size_t i = 1; shed && i < options_.accepts_per_turn; ++i) {
    const env::Handle handle = listeners_[id.index].handle;
    shed = handle != env::Handle::none && network_.shed(handle);
    if (shed) refuse(id, RefuseReason::out_of_descriptors);
  }
}

void Reactor::resume_listeners() {
  for (std::uint32_t index = 0; index < listeners_.size(); ++index) {
    Listener& listener = listeners_[index];
    if (listener.resume_at > now_.mono_ms || listener.handle == env::Handle::none) continue;
    listener.resume_at = kNever;
    if (!network_.watch(listener.handle, {.read = true}, poll_token(PollKind::listener, index))) {
      listener.resume_at = now_.mono_ms + options_.accept_rest_ms;
    }
  }
}

}  // namespace martlet::net
