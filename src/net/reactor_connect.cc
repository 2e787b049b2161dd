// Outgoing connections: one address after the other until one answers.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "net/poll_token.h"
#include "net/reactor.h"

namespace martlet::net {

Result<ConnectionId> Reactor::connect(const env::Endpoint& endpoint) {
  auto addresses = network_.resolve(endpoint);
  if (!addresses) return tl::unexpected(addresses.error());
  if (addresses->empty()) return fail("no address for '" + endpoint.host + "'");
  std::reverse(addresses->begin(), addresses->end());
  const ConnectionId id = table_.add();
  Connection& connection = table_.at(id.slot);
  connection.state = ConnectionState::connecting;
  untried_[id.slot] = std::move(*addresses);
  const auto started = attempt_next(connection, id);
  if (!started) {
    untried_.erase(id.slot);
    table_.remove(id);
    return tl::unexpected(started.error());
  }
  return id;
}

// Starts with the next address that can be tried at all; leaves the connection without a handle if there is none.
Result<void> Reactor::attempt_next(Connection& connection, ConnectionId id) {
  std::vector<env::Endpoint>& untried = untried_[id.slot];
  Result<void> last = fail("no address is left");
  while (!untried.empty()) {
    const env::Endpoint address = std::move(untried.back());
    untried.pop_back();
    const auto handle = network_.connect(address);
    if (!handle) {
      last = tl::unexpected(handle.error());
      continue;
    }
    connection.armed = {.write = true};
    last = network_.watch(*handle, connection.armed, poll_token(id));
    if (last) {
      connection.handle = *handle;
      // Read anew, since the owner may connect long after its last turn.
      set_deadline(connection, id, clock_.now().mono_ms + options_.connect_attempt_ms);
      return {};
    }
    network_.close(*handle);
  }
  return last;
}

void Reactor::attempt_decided(Connection& connection, ConnectionId id) {
  if (const int code = network_.connect_error(connection.handle)) return attempt_failed(connection, id, code);
  untried_.erase(id.slot);
  connection.state = ConnectionState::open;
  connection.deadline = kNever;
  // The flush replaces the interest in writing by one in reading, and sends what has been appended meanwhile.
  mark_dirty(connection, id.slot);
  handler_.connected(id);
}

void Reactor::attempt_failed(Connection& connection, ConnectionId id, int system_code) {
  network_.close(std::exchange(connection.handle, env::Handle::none));
  if (untried_[id.slot].empty()) {
    untried_.erase(id.slot);
    table_.remove(id);
    return handler_.closed(id, CloseReason::connect_failed, system_code);
  }
  const auto next = attempt_next(connection, id);
  if (next) return;
  untried_.erase(id.slot);
  table_.remove(id);
  handler_.closed(id, CloseReason::connect_failed, next.error().system_code);
}

}  // namespace martlet::net
