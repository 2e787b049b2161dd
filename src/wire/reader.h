// A checked cursor over a packet's bytes. Every take_*() answers false when the bytes do not hold what is asked for,
// and keeps the first error. Internal to the room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "wire/decode_error.h"
#include "wire/text.h"

namespace martlet::wire {

// What an error about a field says: the statement that demands it and its description.
struct Field {
  const char* clause;
  const char* what;
};

class Reader {
 public:
  explicit Reader(ByteView bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool empty() const { return at_ == end_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  const DecodeError& error() const { return error_; }

  // All three return false, so that a decoder can end with them.
  bool fail(ReasonCode reason, Field field) {
    error_.reason = reason;
    error_.clause = field.clause;
    error_.what = field.what;
    return false;
  }
  bool malformed(Field field) { return fail(ReasonCode::malformed_packet, field); }
  bool protocol_error(Field field) { return fail(ReasonCode::protocol_error, field); }
  // Takes over the error of a reader of a part.
  bool fail_as(const Reader& part) {
    error_ = part.error_;
    return false;
  }

  bool take_u8(std::uint8_t& out, Field field) {
    if (left() < 1) [[unlikely]]
      return malformed(field);
    out = *at_++;
    return true;
  }

  bool take_u16(std::uint16_t& out, Field field) {
    if (left() < 2) [[unlikely]]
      return malformed(field);
    out = static_cast<std::uint16_t>(at_[0] << 8 | at_[1]);
    at_ += 2;
    return true;
  }

  bool take_u32(std::uint32_t& out, Field field) {
    if (left() < 4) return malformed(field);
    out = std::uint32_t{at_[0]} << 24 | std::uint32_t{at_[1]} << 16 | std::uint32_t{at_[2]} << 8 | at_[3];
    at_ += 4;
    return true;
  }

  // At most four bytes, in the shortest form [MQTT-1.5.5-1].
  bool take_varint(std::uint32_t& out, Field field) {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < 4; ++i) {
      if (at_ == end_) [[unlikely]]
        return malformed(field);
      const std::uint8_t byte = *at_++;
      value |= static_cast<std::uint32_t>(byte & 0x7F) << (7 * i);
      if ((byte & 0x80) == 0) {
        if (byte == 0 && i > 0) break;
        out = value;
        return true;
      }
    }
    return malformed({"MQTT-1.5.5-1", "variable byte integer is too long"});
  }

  bool take_bytes(ByteView& out, std::size_t count, Field field) {
    if (left() < count) [[unlikely]]
      return malformed(field);
    out = {at_, count};
    at_ += count;
    return true;
  }

  // Two length bytes, then the data.
  bool take_binary(ByteView& out, Field field) {
    std::uint16_t size = 0;
    return take_u16(size, field) && take_bytes(out, size, field);
  }

  // As take_binary(), and the data is text.
  bool take_text(std::string_view& out, Field field) {
    ByteView bytes;
    if (!take_binary(bytes, field)) return false;
    const TextFlaw flaw = find_flaw(bytes);
    if (flaw != TextFlaw::none) [[unlikely]]
      return bad_text(flaw);
    out = as_text(bytes);
    return true;
  }

  ByteView take_rest() {
    const ByteView rest(at_, left());
    at_ = end_;
    return rest;
  }

  // Nothing may follow.
  bool finish(Field field = {"2.1.4", "bytes after the last field"}) { return empty() || malformed(field); }

 private:
  bool bad_text(TextFlaw flaw) {
    if (flaw == TextFlaw::null_character) return malformed({"MQTT-1.5.4-2", "null character in a string"});
    return malformed({"MQTT-1.5.4-1", "string is not valid UTF-8"});
  }

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  DecodeError error_;
};

}  // namespace martlet::wire
