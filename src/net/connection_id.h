// Names of connections and listeners inside one reactor.
#pragma once

#include <cstdint>

namespace martlet::net {

// `slot` is small and reused, fit for an index into the owner's own table; `generation` tells the slot's users apart,
// so that an id outliving its connection is recognised. Generation 0 is never given out.
struct ConnectionId {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;

  std::uint64_t value() const { return (std::uint64_t{generation} << 32) | slot; }
  explicit operator bool() const { return generation != 0; }
  bool operator==(const ConnectionId&) const = default;
};

struct ListenerId {
  std::uint32_t index = 0;

  bool operator==(const ListenerId&) const = default;
};

}  // namespace martlet::net
