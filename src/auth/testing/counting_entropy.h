// Randomness that repeats itself, for tests.
#pragma once

#include <atomic>

#include "env/entropy.h"

namespace martlet::auth::testing {

class CountingEntropy final : public env::Entropy {
 public:
  void fill(std::span<std::uint8_t> bytes) override {
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(++count_);
  }

 private:
  std::atomic<std::uint32_t> count_ = 0;
};

}  // namespace martlet::auth::testing
