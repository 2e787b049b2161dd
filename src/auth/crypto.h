// The few primitives of OpenSSL that authentication is made of. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace martlet::auth {

using Sha256 = std::array<std::uint8_t, 32>;
using Sha512 = std::array<std::uint8_t, 64>;

Sha256 sha256(ByteView bytes);
Sha256 hmac_sha256(ByteView key, ByteView bytes);
// SHA-512 of `first` and then `second`.
Sha512 sha512(ByteView first, ByteView second);
// PBKDF2 [RFC 8018]; iterations > 0.
Sha256 pbkdf2_sha256(ByteView password, ByteView salt, std::uint32_t iterations);
Sha512 pbkdf2_sha512(ByteView password, ByteView salt, std::uint32_t iterations);

// Whether both hold the same bytes; the time tells only their lengths.
bool equal_in_constant_time(ByteView a, ByteView b);

// Overwrites a secret that is no longer needed.
void wipe(std::vector<std::uint8_t>& secret);
void wipe(std::string& secret);

}  // namespace martlet::auth
