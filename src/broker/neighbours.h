// The other cores of the process, as a broker knows them.
#pragma once

#include <cstdint>
#include <vector>

#include "session/message.h"

namespace martlet::broker {

// What is owed to the sessions of a core, whoever they are, has this for the key of a session in the log: until that
// core has taken it and recorded who they are. `cores` is their number at that time.
inline constexpr std::uint64_t kCoreKeyBit = std::uint64_t{1} << 62;
inline constexpr std::uint64_t core_key(std::uint32_t core, std::uint32_t cores) {
  return kCoreKeyBit | std::uint64_t{cores} << 16 | core;
}
inline constexpr bool is_core_key(std::uint64_t key) {
  return (key & kCoreKeyBit) != 0;
}
inline constexpr std::uint32_t core_of_key(std::uint64_t key) {
  return key & 0xFFFF;
}
inline constexpr std::uint32_t cores_of_key(std::uint64_t key) {
  return key >> 16 & 0xFFFF;
}
// After a restart with another number of cores, the sessions that a key names are spread over several: each takes the
// part that is its own, and says so with such a key.
inline constexpr std::uint64_t part_key(std::uint64_t key, std::uint32_t core, std::uint32_t cores) {
  return key | std::uint64_t{cores} << 40 | std::uint64_t{core} << 32;
}
inline constexpr std::uint64_t whole_key(std::uint64_t key) {
  return key & (kCoreKeyBit | 0xFFFF'FFFF);
}
struct CorePart {
  std::uint32_t core = 0;
  std::uint32_t cores = 0;  // 0: all of it
};
inline constexpr CorePart part_of_key(std::uint64_t key) {
  return {static_cast<std::uint32_t>(key >> 32 & 0xFF), static_cast<std::uint32_t>(key >> 40 & 0xFF)};
}

// A message on its way to the sessions of another core.
struct Forwarded {
  session::MessageRef message;
  // Where the log says that it is owed to that core, and under which key; 0: its sessions are owed it by nobody's
  // promise.
  std::uint64_t position = 0;
  std::uint64_t key = 0;
  std::vector<std::uint32_t> groups;  // shared subscriptions of which the core picks a member
  bool to_subscribers = true;         // false: for the groups alone
  bool only_there = false;            // nobody else has taken it
  std::uint8_t hops = 0;              // how often its groups were passed on
};

class Neighbours {
 public:
  virtual ~Neighbours() = default;
  // Reaches the core behind the end of this turn, in order, and not before the records of this turn are on their way.
  virtual void forward(std::uint32_t core, Forwarded forwarded) = 0;
  // The first member of the group that is connected is with this core: what waits with members of `core` that are not
  // connected is to be passed on.
  virtual void tell_connected(std::uint32_t core, std::uint32_t group) = 0;
  // The lowest position of what was forwarded and is not recorded by its core yet: the log is needed from there on.
  // ~0 if there is nothing.
  virtual std::uint64_t lowest_unconfirmed() const = 0;
  // While it is true the others cannot keep up: clients are not to be read.
  bool congested() const { return congested_; }

 protected:
  bool congested_ = false;
};

// Of a process with one core.
class NoNeighbours final : public Neighbours {
 public:
  void forward(std::uint32_t, Forwarded) override {}
  void tell_connected(std::uint32_t, std::uint32_t) override {}
  std::uint64_t lowest_unconfirmed() const override { return ~std::uint64_t{0}; }
};

}  // namespace martlet::broker
