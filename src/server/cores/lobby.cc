#include "server/cores/lobby.h"

#include <utility>

namespace martlet::server {

void Lobby::enter(net::ConnectionId id, std::uint32_t listener, std::string_view peer_address, const Now& now) {
  guests_.emplace(key(id), Guest{listener, std::string(peer_address), {}, {}, now, false});
  arrivals_.push_back({now.mono_ms, id});
}

Lobby::Guest* Lobby::find(net::ConnectionId id) {
  const auto at = guests_.find(key(id));
  return at == guests_.end() ? nullptr : &at->second;
}

Lobby::Guest Lobby::leave(net::ConnectionId id) {
  const auto at = guests_.find(key(id));
  Guest guest = std::move(at->second);
  guests_.erase(at);
  forget_gone();
  return guest;
}

void Lobby::forget_gone() {
  while (!arrivals_.empty() && !guests_.contains(key(arrivals_.front().id))) arrivals_.pop_front();
}

// The oldest arrival is of one who is here.
std::optional<net::ConnectionId> Lobby::anybody() const {
  return arrivals_.empty() ? std::nullopt : std::optional(arrivals_.front().id);
}

std::optional<net::ConnectionId> Lobby::overdue(const Now& now) {
  if (arrivals_.empty() || arrivals_.front().at_ms + wait_ms_ > now.mono_ms) return std::nullopt;
  return arrivals_.front().id;
}

}  // namespace martlet::server
