#include "wire/text.h"

#include <cstddef>
#include <cstring>

namespace martlet::wire {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101ull;
constexpr std::uint64_t kHighs = 0x8080808080808080ull;

// Not 0 exactly when some byte of `word` is zero (bits above the lowest such byte mean nothing).
constexpr std::uint64_t zero_bytes(std::uint64_t word) {
  return (word - kOnes) & ~word & kHighs;
}

// Eight bytes, or what is left, some of it twice or filled up with a harmless letter: for looking whether a byte
// occurs. All loads have a fixed size, so none is a call.
std::uint64_t load_word(const std::uint8_t* at, std::size_t left) {
  std::uint64_t word = 0;
  if (left >= 8) {
    std::memcpy(&word, at, 8);
    return word;
  }
  if (left >= 4) {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::memcpy(&first, at, 4);
    std::memcpy(&last, at + left - 4, 4);
    return std::uint64_t{last} << 32 | first;
  }
  word = kOnes * 'a' >> 24;
  return word << 24 | std::uint64_t{at[left - 1]} << 16 | std::uint64_t{at[left / 2]} << 8 | at[0];
}

bool continues(std::uint8_t byte) {
  return (byte & 0xC0) == 0x80;
}

// Bytes of the well-formed sequence that starts at `at`, where a byte above 0x7F stands; 0 when there is none.
std::size_t sequence_length(const std::uint8_t* at, std::size_t left) {
  const std::uint8_t lead = at[0];
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (left < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (!continues(at[i])) return 0;
  }
  if (lead == 0xE0 && at[1] < 0xA0) return 0;  // overlong
  if (lead == 0xED && at[1] > 0x9F) return 0;  // surrogate
  if (lead == 0xF0 && at[1] < 0x90) return 0;  // overlong
  if (lead == 0xF4 && at[1] > 0x8F) return 0;  // above U+10FFFF
  return length;
}

}  // namespace

TextFlaw find_flaw(ByteView text) {
  const std::uint8_t* at = text.data();
  std::size_t left = text.size();
  while (left > 0) {
    const std::uint64_t word = load_word(at, left);
    if ((word & kHighs) == 0) [[likely]] {
      if (zero_bytes(word) != 0) return TextFlaw::null_character;
      const std::size_t step = left < 8 ? left : 8;
      at += step;
      left -= step;
      continue;
    }
    // Byte by byte up to the end of the first longer sequence.
    while (*at < 0x80) {
      if (*at == 0) return TextFlaw::null_character;
      ++at;
      --left;
    }
    const std::size_t length = sequence_length(at, left);
    if (length == 0) return TextFlaw::not_utf8;
    at += length;
    left -= length;
  }
  return TextFlaw::none;
}

bool has_wildcard(ByteView text) {
  const std::uint8_t* at = text.data();
  std::size_t left = text.size();
  while (left > 0) {
    const std::uint64_t word = load_word(at, left);
    if ((zero_bytes(word ^ (kOnes * '+')) | zero_bytes(word ^ (kOnes * '#'))) != 0) return true;
    const std::size_t step = left < 8 ? left : 8;
    at += step;
    left -= step;
  }
  return false;
}

bool valid_text(std::string_view text) {
  return find_flaw(as_bytes(text)) == TextFlaw::none;
}

}  // namespace martlet::wire
