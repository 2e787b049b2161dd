// Shared by the room's tests.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/byte_chain.h"
#include "wire/decode.h"
#include "wire/encode.h"
#include "wire/framer.h"

namespace martlet::wire::test {

using Bytes = std::vector<std::uint8_t>;

// "82 05 'a/b'" to bytes: hexadecimal pairs, and text between single quotes.
inline Bytes bytes_of(std::string_view text) {
  const auto nibble = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  Bytes bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ') continue;
    if (text[i] == '\'') {
      while (text[++i] != '\'') bytes.push_back(static_cast<std::uint8_t>(text[i]));
      continue;
    }
    bytes.push_back(static_cast<std::uint8_t>(nibble(text[i]) << 4 | nibble(text[i + 1])));
    ++i;
  }
  return bytes;
}

inline Bytes bytes_of(const ByteChain& chain) {
  ByteView views[64];
  const std::size_t count = chain.front(views, 64);
  Bytes bytes;
  for (std::size_t i = 0; i < count; ++i) bytes.insert(bytes.end(), views[i].begin(), views[i].end());
  return bytes;
}

inline Bytes encoded(const Packet& packet, ProtocolVersion version) {
  ByteChain chain;
  encode(packet, version, chain);
  return bytes_of(chain);
}

// A packet without its remaining length, which is put in.
inline Bytes with_length(std::uint8_t first_byte, ByteView body) {
  Bytes bytes{first_byte};
  std::size_t rest = body.size();
  do {
    bytes.push_back(static_cast<std::uint8_t>((rest & 0x7F) | (rest > 0x7F ? 0x80 : 0)));
    rest >>= 7;
  } while (rest > 0);
  bytes.insert(bytes.end(), body.begin(), body.end());
  return bytes;
}

// Decodes `packet`, one whole packet that must outlive the result.
inline tl::expected<Packet, DecodeError> decoded(ByteView packet, ProtocolVersion version, Sender sender) {
  Framer framer(kMaxPacketBytes);
  Frame frame;
  if (framer.next(packet, frame) != FrameStatus::frame || !packet.empty())
    return tl::unexpected<DecodeError>(DecodeError{ReasonCode::malformed_packet, "", "not one packet", version});
  return decode(frame.first_byte, frame.body, version, sender);
}

}  // namespace martlet::wire::test
