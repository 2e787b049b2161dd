// A new connection waits until its layers (TLS, WebSocket, a PROXY header) are done, and with several cores until its
// CONNECT tells whose it is; then it goes to that client's home core.
#include <fmt/format.h>

#include "broker/home_core.h"
#include "server/core_loop.h"
#include "session/connect_limit.h"
#include "wire/connect_peek.h"

namespace martlet::server {

void CoreLoop::enter_lobby(net::ConnectionId id, std::uint32_t listener, std::string_view peer_address) {
  lobby_.enter(id, listener, peer_address, reactor_.now());
  lobby_.find(id)->layered = reactor_.layered(id);
}

void CoreLoop::greet(net::ConnectionId id, ByteView bytes) {
  Lobby::Guest& guest = *lobby_.find(id);
  if (!guest.peer && guest.layered) guest.peer = reactor_.peer_facts(id);
  if (!dependencies_.link) return stay(id, bytes);
  if (!guest.bytes.empty()) {
    guest.bytes.insert(guest.bytes.end(), bytes.begin(), bytes.end());
    bytes = guest.bytes;
  }
  std::string_view client_id;
  // What is longer is this core's to refuse.
  wire::ConnectPeek peeked = wire::peek_client_id(bytes, client_id, session::kMostConnectBytes);
  if (peeked != wire::ConnectPeek::hopeless && named_by_user(guest.listener)) {
    std::string_view user_name;
    const wire::ConnectPeek named = wire::peek_user_name(bytes, user_name, session::kMostConnectBytes);
    if (named != wire::ConnectPeek::hopeless) peeked = named;
    if (named == wire::ConnectPeek::found) client_id = user_name;
  }
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

// A proxy was in between: the address that counts is known only now, and nothing above its header has cost anything.
bool CoreLoop::located(net::ConnectionId id, std::string_view peer_address) {
  Lobby::Guest& guest = *lobby_.find(id);
  guest.peer_address = peer_address;
  if (let_in(id, guest.listener, guest.peer_address)) return true;
  lobby_.leave(id);
  return false;
}

bool CoreLoop::named_by_user(std::uint32_t listener) const {
  return listener < listeners_.size() && listeners_[listener].named_by_user;
}

void CoreLoop::stay(net::ConnectionId id, ByteView bytes) {
  const Lobby::Guest guest = lobby_.leave(id);
  // `bytes` may be the guest's own.
  broker_.connection_opened({id.slot, id.generation}, {guest.listener, guest.peer_address, guest.peer}, guest.accepted);
  if (!bytes.empty()) broker_.bytes_received({id.slot, id.generation}, bytes, reactor_.now());
}

void CoreLoop::move_on(net::ConnectionId id, std::uint32_t core, ByteView bytes) {
  auto moved = std::make_unique<MovedConnection>();
  moved->bytes.assign(bytes.begin(), bytes.end());
  Lobby::Guest guest = lobby_.leave(id);
  moved->listener = guest.listener;
  moved->peer_address = std::move(guest.peer_address);
  moved->peer = std::move(guest.peer);
  moved->accepted = guest.accepted;
  moved->address = forget(id);
  moved->socket = reactor_.release(id);
  dependencies_.link->move(core, std::move(moved));
}

void CoreLoop::move_in(MovedConnection& moved) {
  const auto id = reactor_.adopt(std::move(moved.socket));
  if (!id) {
    if (moved.address != 0) dependencies_.admission->leave(moved.address, reactor_.now());
    return log_refusal(listeners_[moved.listener].name, "too many connections", moved.peer_address);
  }
  remember(*id, moved.address);
  if (stop_by_ms_ != kNever) {
    let_out(*id);
    return reactor_.close(*id);
  }
  broker_.connection_opened({id->slot, id->generation}, {moved.listener, moved.peer_address, moved.peer},
                            moved.accepted);
  broker_.bytes_received({id->slot, id->generation}, moved.bytes, reactor_.now());
}

// Who said too little for too long is this core's to turn away: the broker's, if it could have said something.
void CoreLoop::clear_lobby() {
  while (const auto id = lobby_.overdue(reactor_.now())) {
    if (reactor_.ready(*id)) {
      const std::vector<std::uint8_t> bytes = lobby_.find(*id)->bytes;
      stay(*id, bytes);
      continue;
    }
    const Lobby::Guest guest = lobby_.leave(*id);
    let_out(*id);
    reactor_.close(*id);
    log_failure(guest, "its handshake took too long (limits.connect_timeout)");
  }
}

// A guest is gone before it was known.
void CoreLoop::guest_lost(net::ConnectionId id, net::CloseReason reason) {
  if (!lobby_.find(id)->layered) return stay(id, {});
  const Lobby::Guest guest = lobby_.leave(id);
  if (reason == net::CloseReason::layer_failed) log_failure(guest, reactor_.last_failure());
}

void CoreLoop::log_failure(const Lobby::Guest& guest, std::string_view why) {
  if (!net_log().wants(broker::LogLevel::warning)) return;
  const std::string_view listener = listeners_[guest.listener].name;
  const broker::LogField more[] = {{"reason", why}};
  net_log().write(broker::LogLevel::warning,
                  fmt::format("{} is refused by listener \"{}\": {}", guest.peer_address, listener, why),
                  {{}, guest.peer_address, {}, listener, more});
}

}  // namespace martlet::server
