// Base64 as password files, SCRAM and tokens write it [RFC 4648]. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace martlet::auth {

enum class Base64 : std::uint8_t {
  padded,    // the standard alphabet with '=': Mosquitto, SCRAM
  unpadded,  // without: argon2's PHC strings
  url,       // '-' and '_' for '+' and '/', without '=': JSON Web Tokens
};

std::string base64_encode(ByteView bytes, Base64 form);

// Nothing if `text` is anything but what base64_encode() writes: no white space, no other padding, no bits left over.
std::optional<std::vector<std::uint8_t>> base64_decode(std::string_view text, Base64 form);

}  // namespace martlet::auth
