// The one source of randomness that a stranger cannot guess.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

namespace martlet::env {

class Entropy {
 public:
  virtual ~Entropy() = default;
  // Fills all of `bytes`. Cannot fail: a system without entropy ends the process. Any thread.
  virtual void fill(std::span<std::uint8_t> bytes) = 0;

  // Seed for base/random.h and base/hash.h.
  std::uint64_t seed() {
    std::array<std::uint8_t, 8> bytes{};
    fill(bytes);
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
};

}  // namespace martlet::env
