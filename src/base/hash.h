// Hash of a short byte string, for tables inside one process (wyhash-style folding multiply). Not for storage: it may
// change between versions.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace martlet {

inline std::uint64_t fold_multiply(std::uint64_t a, std::uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// `seed` should differ per process where the strings are chosen by strangers.
inline std::uint64_t hash_bytes(std::string_view text, std::uint64_t seed = 0) {
  constexpr std::uint64_t k0 = 0xA0761D6478BD642Full;
  constexpr std::uint64_t k1 = 0xE7037ED1A0B428DBull;
  std::uint64_t state = seed ^ k0;
  const char* at = text.data();
  std::size_t left = text.size();
  const auto load = [](const char* from, std::size_t count) {
    std::uint64_t value = 0;
    std::memcpy(&value, from, count);
    return value;
  };
  while (left > 16) {
    state = fold_multiply(load(at, 8) ^ k1, load(at + 8, 8) ^ state);
    at += 16;
    left -= 16;
  }
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  if (left >= 8) {
    low = load(at, 8);
    high = load(at + left - 8, 8);
  } else if (left >= 4) {
    low = load(at, 4);
    high = load(at + left - 4, 4);
  } else if (left > 0) {
    low = load(at, left);
  }
  return fold_multiply(k1 ^ text.size(), fold_multiply(low ^ k1, high ^ state));
}

// For tables whose keys strangers choose: a seed of its own keeps them from picking keys that collide.
struct SeededHash {
  using is_transparent = void;
  std::uint64_t seed = 0;
  std::size_t operator()(std::string_view text) const { return hash_bytes(text, seed); }
};

}  // namespace martlet
