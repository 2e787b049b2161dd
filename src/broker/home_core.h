// Which core a client's session lives on: every core comes to the same answer.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/hash.h"

namespace martlet::broker {

// The hash of a client identifier, never 0: who published, for no local, and the home of its session. `seed` is the
// same for all cores, and for as long as sessions are kept.
inline std::uint64_t client_hash(std::string_view client_id, std::uint64_t seed) {
  return hash_bytes(client_id, seed) | 1;
}

// From 0; `cores` is at least 1.
inline std::uint32_t home_core(std::uint64_t client_hash, std::uint32_t cores) {
  return static_cast<std::uint32_t>((client_hash >> 1) % cores);
}

}  // namespace martlet::broker
