// How safe what was acknowledged is.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace martlet {

// What an acknowledgement waits for, the surest first.
enum class Durability : std::uint8_t {
  fsync,     // the disk said that it has the bytes
  interval,  // the operating system has them; they are synced within the store's interval
  memory,    // nothing; they are written and synced behind it
};
// In the order of the enumeration.
inline constexpr std::array<std::string_view, 3> kDurabilityNames = {"fsync", "interval", "memory"};

inline constexpr std::string_view durability_name(Durability level) {
  return kDurabilityNames[static_cast<std::size_t>(level)];
}

}  // namespace martlet
