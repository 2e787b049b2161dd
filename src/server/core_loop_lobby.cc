// With several cores: a new connection waits until its CONNECT tells whose it is, then goes to that client's home core.
#include "broker/home_core.h"
#include "server/core_loop.h"
#include "session/connect_limit.h"
#include "wire/connect_peek.h"

namespace martlet::server {
void CoreLoop::enter_lobby(net::ConnectionId id, net::ListenerId listener, std::string_view peer_address) {
  lobby_.enter(id, listener.index, peer_address, reactor_.now());
}

void CoreLoop::greet(net::ConnectionId id, ByteView bytes) {
  Lobby::Guest& guest = *lobby_.find(id);
  if (!guest.bytes.empty()) {
    guest.bytes.insert(guest.bytes.end(), bytes.begin(), bytes.end());
    bytes = guest.bytes;
  }
  std::string_view client_id;
  // What is longer is this core's to refuse.
  const wire::ConnectPeek peeked = wire::peek_client_id(bytes, client_id, session::kMostConnectBytes);
  if (peeked == wire::ConnectPeek::need_more) {
    if (guest.bytes.empty()) guest.bytes.assign(bytes.begin(), bytes.end());
    return;
  }
  const CoreLink& link = *dependencies_.link;
  // Who has no identifier gets one that is at home here.
  const bool elsewhere = peeked == wire::ConnectPeek::found && !client_id.empty();
  const std::uint32_t home =
      elsewhere ? broker::home_core(broker::client_hash(client_id, client_seed_), link.cores()) : link.core();
  if (home == link.core()) return stay(id, bytes);
  move_on(id, home, bytes);
}

void CoreLoop::stay(net::ConnectionId id, ByteView bytes) {
  const Lobby::Guest guest = lobby_.leave(id);
  // `bytes` may be the guest's own.
  broker_.connection_opened({id.slot, id.generation}, {guest.listener, guest.peer_address, nullptr}, guest.accepted);
  if (!bytes.empty()) broker_.bytes_received({id.slot, id.generation}, bytes, reactor_.now());
}

void CoreLoop::move_on(net::ConnectionId id, std::uint32_t core, ByteView bytes) {
  auto moved = std::make_unique<MovedConnection>();
  moved->bytes.assign(bytes.begin(), bytes.end());
  Lobby::Guest guest = lobby_.leave(id);
  moved->listener = guest.listener;
  moved->peer_address = std::move(guest.peer_address);
  moved->accepted = guest.accepted;
  moved->address = forget(id);
  moved->socket = reactor_.release(id);
  dependencies_.link->move(core, std::move(moved));
}

void CoreLoop::move_in(MovedConnection& moved) {
  const auto id = reactor_.adopt(std::move(moved.socket));
  if (!id) {
    if (moved.address != 0) dependencies_.admission->leave(moved.address);
    return log_refusal(listener_names_[moved.listener], "too many connections");
  }
  remember(*id, moved.address);
  if (stop_by_ms_ != kNever) {
    let_out(*id);
    return reactor_.close(*id);
  }
  broker_.connection_opened({id->slot, id->generation}, {moved.listener, moved.peer_address, nullptr}, moved.accepted);
  broker_.bytes_received({id->slot, id->generation}, moved.bytes, reactor_.now());
}

// Who said too little for too long is this core's to turn away.
void CoreLoop::clear_lobby() {
  while (const auto id = lobby_.overdue(reactor_.now())) {
    const std::vector<std::uint8_t> bytes = lobby_.find(*id)->bytes;
    stay(*id, bytes);
  }
}

}  // namespace martlet::server
