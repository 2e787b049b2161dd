// What a WebSocket client writes, for tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace martlet::net::testing {

inline constexpr std::string_view kBrowserUpgrade =
    "GET /mqtt HTTP/1.1\r\n"
    "Host: broker.example:8083\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: */*\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Origin: https://app.example\r\n"
    "Sec-WebSocket-Protocol: mqtt\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Connection: keep-alive, Upgrade\r\n"
    "Pragma: no-cache\r\n"
    "Cache-Control: no-cache\r\n"
    "Upgrade: websocket\r\n\r\n";

// `first`: FIN, reserved bits and opcode.
inline std::string client_frame(std::uint8_t first, std::string_view payload,
                                std::string_view mask = "\x37\xfa\x21\x3d") {
  std::string frame(1, static_cast<char>(first));
  const std::size_t size = payload.size();
  if (size <= 125) {
    frame += static_cast<char>(0x80 | size);
  } else if (size <= 65'535) {
    frame += "\xfe";
    for (int shift : {8, 0}) frame += static_cast<char>(size >> shift);
  } else {
    frame += "\xff";
    for (int shift = 56; shift >= 0; shift -= 8) frame += static_cast<char>(std::uint64_t{size} >> shift);
  }
  frame += mask;
  for (std::size_t i = 0; i < size; ++i) frame += static_cast<char>(payload[i] ^ mask[i % 4]);
  return frame;
}

}  // namespace martlet::net::testing
