// Bytes of a stored value, written and read field by field. Numbers of fixed width have their highest byte first.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace martlet::server {

class ByteWriter {
 public:
  void number8(std::uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void number16(std::uint16_t value) { fixed(value, 2); }
  void number32(std::uint32_t value) { fixed(value, 4); }
  void number64(std::uint64_t value) { fixed(value, 8); }
  // Seven bits a byte, the lowest first, the top bit set on all but the last.
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) number8(static_cast<std::uint8_t>(value | 0x80));
    number8(static_cast<std::uint8_t>(value));
  }
  // As they are; the reader knows how many, or that they are the last.
  void raw(ByteView bytes) { bytes_.append(as_text(bytes)); }
  // Preceded by their number as a varint.
  void bytes(ByteView bytes) {
    varint(bytes.size());
    raw(bytes);
  }

  void clear() { bytes_.clear(); }
  ByteView view() const { return as_bytes(bytes_); }

 private:
  void fixed(std::uint64_t value, int width) {
    for (int shift = (width - 1) * 8; shift >= 0; shift -= 8) number8(static_cast<std::uint8_t>(value >> shift));
  }
  std::string bytes_;
};

// Reading past the end makes ok() false for good and gives zeros.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : rest_(bytes) {}

  std::uint8_t number8() { return static_cast<std::uint8_t>(fixed(1)); }
  std::uint16_t number16() { return static_cast<std::uint16_t>(fixed(2)); }
  std::uint32_t number32() { return static_cast<std::uint32_t>(fixed(4)); }
  std::uint64_t number64() { return fixed(8); }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = number8();
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  ByteView bytes() {
    const std::uint64_t count = varint();
    return take(count);
  }
  ByteView rest() { return take(rest_.size()); }
  bool empty() const { return rest_.empty(); }
  bool ok() const { return ok_; }

 private:
  ByteView take(std::uint64_t count) {
    if (count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const ByteView taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  std::uint64_t fixed(std::size_t width) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : take(width)) value = value << 8 | byte;
    return value;
  }
  ByteView rest_;
  bool ok_ = true;
};

}  // namespace martlet::server
