// How long a CONNECT may be.
#pragma once

#include <cstdint>

namespace martlet::session {

// Nobody knows yet who it is that sends a CONNECT, so less of it is kept than of other packets.
inline constexpr std::uint32_t kMostConnectBytes = 128u << 10;

}  // namespace martlet::session
