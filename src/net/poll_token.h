// What the reactor's poller events name: a connection, a listener, or something that the owner watches.
#pragma once

#include <cstdint>

#include "net/connection_id.h"

namespace martlet::net {

enum class PollKind : std::uint8_t { connection, listener, external };

// Layout: kind (2 bits), generation (30), slot, index or the owner's token (32). Kind 3 is left to env.
inline std::uint64_t poll_token(ConnectionId id) {
  return id.value();
}
inline std::uint64_t poll_token(PollKind kind, std::uint32_t number) {
  return (static_cast<std::uint64_t>(kind) << 62) | number;
}

inline PollKind kind_of(std::uint64_t token) {
  return static_cast<PollKind>(token >> 62);
}
inline std::uint32_t number_of(std::uint64_t token) {
  return static_cast<std::uint32_t>(token);
}
inline ConnectionId connection_of(std::uint64_t token) {
  return {number_of(token), static_cast<std::uint32_t>(token >> 32)};
}

}  // namespace martlet::net
