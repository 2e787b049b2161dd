// An unchecked cursor that writes wire forms into room measured beforehand. Internal to the room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "wire/types.h"

namespace martlet::wire {

// Bytes of the shortest form; 5, which does not exist on the wire, for what is too large.
constexpr std::size_t varint_size(std::size_t value) {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value <= kMaxRemainingLength ? 4 : 5;
}

class Writer {
 public:
  explicit Writer(std::uint8_t* at) : at_(at) {}

  std::uint8_t* position() const { return at_; }

  void put_u8(std::uint8_t value) { *at_++ = value; }
  void put_u16(std::uint16_t value) {
    put_u8(static_cast<std::uint8_t>(value >> 8));
    put_u8(static_cast<std::uint8_t>(value));
  }
  void put_u32(std::uint32_t value) {
    put_u16(static_cast<std::uint16_t>(value >> 16));
    put_u16(static_cast<std::uint16_t>(value));
  }
  void put_varint(std::size_t value) {
    while (value >= 0x80) {
      put_u8(static_cast<std::uint8_t>(value | 0x80));
      value >>= 7;
    }
    put_u8(static_cast<std::uint8_t>(value));
  }
  void put_bytes(ByteView bytes) { at_ = copy_bytes(at_, bytes); }
  void put_binary(ByteView bytes) {
    check(bytes.size() <= kMaxTextBytes, "a string or binary field has at most 65,535 bytes");
    put_u16(static_cast<std::uint16_t>(bytes.size()));
    put_bytes(bytes);
  }
  void put_text(std::string_view text) { put_binary(as_bytes(text)); }

 private:
  std::uint8_t* at_;
};

}  // namespace martlet::wire
