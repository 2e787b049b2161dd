#include "auth/password_hash.h"

#include <argon2.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "auth/base64.h"
#include "auth/crypto.h"

namespace martlet::auth {
namespace {

constexpr std::uint32_t kMaxIterations = 10'000'000;
constexpr std::uint32_t kMaxMemoryKib = 1u << 20;
constexpr std::uint64_t kMaxArgon2Work = std::uint64_t{16} << 20;  // KiB times passes
constexpr std::uint32_t kMaxLanes = 64;
constexpr std::uint32_t kMinSaltBytes = 1;
constexpr std::uint32_t kMinArgon2SaltBytes = 8;
constexpr std::uint32_t kMaxSaltBytes = 64;
constexpr std::uint32_t kMinArgon2HashBytes = 16;
constexpr std::size_t kMaxTextBytes = 512;
constexpr std::size_t kNewSaltBytes = 16;
// Mosquitto up to 2.0 reads `$7$` with no other.
constexpr std::size_t kMosquittoSaltBytes = 12;
constexpr std::size_t kNewHashBytes = 32;
constexpr std::string_view kScramPrefix = "SCRAM-SHA-256$";

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Cuts off what stands before `mark`; the whole rest if that does not come.
std::string_view take_until(std::string_view& rest, char mark) {
  const std::size_t at = rest.find(mark);
  const std::string_view taken = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view{} : rest.substr(at + 1);
  return taken;
}

// Decodes into `to` what must have between `least` and `most` bytes.
bool decode(std::string_view text, Base64 form, std::size_t least, std::size_t most, std::vector<std::uint8_t>& to) {
  auto bytes = base64_decode(text, form);
  if (!bytes || bytes->size() < least || bytes->size() > most) return false;
  to = std::move(*bytes);
  return true;
}

Result<PasswordHash> parse_sha512(std::string_view rest) {
  PasswordHash hash;
  hash.kind = PasswordHash::Kind::sha512;
  const std::string_view salt = take_until(rest, '$');
  if (!decode(salt, Base64::padded, kMinSaltBytes, kMaxSaltBytes, hash.salt)) {
    return fail("the salt of the $6$ hash is not 1 to 64 bytes in base64");
  }
  if (!decode(rest, Base64::padded, 64, 64, hash.hash)) return fail("the $6$ hash is not 64 bytes in base64");
  return hash;
}

Result<PasswordHash> parse_pbkdf2(std::string_view rest) {
  PasswordHash hash;
  hash.kind = PasswordHash::Kind::pbkdf2_sha512;
  hash.iterations = number(take_until(rest, '$')).value_or(0);
  if (hash.iterations < 1 || hash.iterations > kMaxIterations) {
    return fail(fmt::format("the iterations of the $7$ hash are not between 1 and {}", kMaxIterations));
  }
  const std::string_view salt = take_until(rest, '$');
  if (!decode(salt, Base64::padded, kMinSaltBytes, kMaxSaltBytes, hash.salt)) {
    return fail("the salt of the $7$ hash is not 1 to 64 bytes in base64");
  }
  if (!decode(rest, Base64::padded, 64, 64, hash.hash)) return fail("the $7$ hash is not 64 bytes in base64");
  return hash;
}

// The Error says which bound `hash` breaks.
Result<void> check_argon2_bounds(const PasswordHash& hash) {
  if (hash.lanes < 1 || hash.lanes > kMaxLanes) {
    return fail(fmt::format("argon2id: p is not between 1 and {}", kMaxLanes));
  }
  if (hash.memory_kib < 8 * hash.lanes || hash.memory_kib > kMaxMemoryKib) {
    return fail(fmt::format("argon2id: m is not between 8 for each lane and {} KiB", kMaxMemoryKib));
  }
  if (hash.iterations < 1 || std::uint64_t{hash.iterations} * hash.memory_kib > kMaxArgon2Work) {
    return fail(fmt::format("argon2id: t is 0, or m times t is above {} KiB", kMaxArgon2Work));
  }
  return {};
}

// `rest` begins behind "$argon2id$": "v=19$m=19456,t=2,p=1$SALT$HASH"; without v it is version 16.
Result<PasswordHash> parse_argon2id(std::string_view rest) {
  PasswordHash hash;
  hash.kind = PasswordHash::Kind::argon2id;
  hash.version = ARGON2_VERSION_10;
  if (rest.starts_with("v=")) {
    hash.version = number(take_until(rest, '$').substr(2)).value_or(0);
    if (hash.version != ARGON2_VERSION_10 && hash.version != ARGON2_VERSION_13) {
      return fail("argon2id: the version is neither 16 nor 19");
    }
  }
  std::string_view parameters = take_until(rest, '$');
  for (const auto& [name, to] : {std::pair{"m=", &hash.memory_kib}, {"t=", &hash.iterations}, {"p=", &hash.lanes}}) {
    const std::string_view parameter = take_until(parameters, ',');
    const auto value = parameter.starts_with(name) ? number(parameter.substr(2)) : std::nullopt;
    if (!value) return fail("argon2id: the parameters are not m=KIB,t=PASSES,p=LANES");
    *to = *value;
  }
  if (!parameters.empty()) return fail("argon2id: the parameters are not m=KIB,t=PASSES,p=LANES");
  if (auto bounds = check_argon2_bounds(hash); !bounds) return tl::unexpected(bounds.error());
  const std::string_view salt = take_until(rest, '$');
  if (!decode(salt, Base64::unpadded, kMinArgon2SaltBytes, kMaxSaltBytes, hash.salt)) {
    return fail("argon2id: the salt is not 8 to 64 bytes in base64 without padding");
  }
  if (!decode(rest, Base64::unpadded, kMinArgon2HashBytes, 64, hash.hash)) {
    return fail("argon2id: the hash is not 16 to 64 bytes in base64 without padding");
  }
  return hash;
}

// `rest` begins behind "SCRAM-SHA-256$".
Result<PasswordHash> parse_scram(std::string_view rest) {
  PasswordHash hash;
  hash.kind = PasswordHash::Kind::scram_sha256;
  hash.iterations = number(take_until(rest, ':')).value_or(0);
  if (hash.iterations < 1 || hash.iterations > kMaxIterations) {
    return fail(fmt::format("the iterations of the SCRAM keys are not between 1 and {}", kMaxIterations));
  }
  if (!decode(take_until(rest, '$'), Base64::padded, kMinSaltBytes, kMaxSaltBytes, hash.salt)) {
    return fail("the salt of the SCRAM keys is not 1 to 64 bytes in base64");
  }
  if (!decode(take_until(rest, ':'), Base64::padded, 32, 32, hash.hash) ||
      !decode(rest, Base64::padded, 32, 32, hash.server_key)) {
    return fail("a SCRAM key is not 32 bytes in base64");
  }
  return hash;
}

// argon2id of `password` with the parameters of `like`, into `out`.
Result<void> argon2id(const PasswordHash& like, ByteView password, std::span<std::uint8_t> out) {
  // The library takes pointers to bytes it does not change.
  argon2_context context{};
  context.out = out.data();
  context.outlen = static_cast<std::uint32_t>(out.size());
  context.pwd = const_cast<std::uint8_t*>(password.data());
  context.pwdlen = static_cast<std::uint32_t>(password.size());
  context.salt = const_cast<std::uint8_t*>(like.salt.data());
  context.saltlen = static_cast<std::uint32_t>(like.salt.size());
  context.t_cost = like.iterations;
  context.m_cost = like.memory_kib;
  context.lanes = like.lanes;
  // One after the other: no threads beyond the pool's.
  context.threads = 1;
  context.version = like.version;
  context.flags = ARGON2_DEFAULT_FLAGS;
  const int code = argon2id_ctx(&context);
  if (code == ARGON2_OK) return {};
  return fail(fmt::format("argon2id with {} KiB: {}", like.memory_kib, argon2_error_message(code)));
}

Sha256 scram_stored_key(const PasswordHash& like, ByteView password) {
  const Sha256 salted = pbkdf2_sha256(password, like.salt, like.iterations);
  return sha256(hmac_sha256(salted, as_bytes("Client Key")));
}

}  // namespace

Result<PasswordHash> parse_password_hash(std::string_view text) {
  if (text.size() > kMaxTextBytes) return fail("the password hash is too long");
  if (text.starts_with("$6$")) return parse_sha512(text.substr(3));
  if (text.starts_with("$7$")) return parse_pbkdf2(text.substr(3));
  if (text.starts_with("$argon2id$")) return parse_argon2id(text.substr(10));
  if (text.starts_with(kScramPrefix)) return parse_scram(text.substr(kScramPrefix.size()));
  if (text.starts_with("$argon2")) {
    return fail(
        "of the argon2 hashes only argon2id is accepted: the others give in to side channels or to graphics cards");
  }
  if (text.empty()) return fail("the password hash is empty");
  return fail("this is no password hash that Martlet knows ($argon2id$, $7$, $6$, SCRAM-SHA-256$)");
}

Result<bool> verify_password(const PasswordHash& hash, ByteView password) {
  switch (hash.kind) {
    case PasswordHash::Kind::sha512:
      return equal_in_constant_time(sha512(password, hash.salt), hash.hash);
    case PasswordHash::Kind::pbkdf2_sha512:
      return equal_in_constant_time(pbkdf2_sha512(password, hash.salt, hash.iterations), hash.hash);
    case PasswordHash::Kind::scram_sha256:
      return equal_in_constant_time(scram_stored_key(hash, password), hash.hash);
    case PasswordHash::Kind::argon2id:
      break;
  }
  std::array<std::uint8_t, 64> bytes{};
  const auto out = std::span(bytes).first(std::min(bytes.size(), hash.hash.size()));
  if (auto done = argon2id(hash, password, out); !done) return tl::unexpected(done.error());
  return equal_in_constant_time(out, hash.hash);
}

PasswordHash decoy_of(const PasswordHash& hash) {
  PasswordHash decoy = hash;
  std::fill(decoy.salt.begin(), decoy.salt.end(), std::uint8_t{0});
  std::fill(decoy.hash.begin(), decoy.hash.end(), std::uint8_t{0});
  std::fill(decoy.server_key.begin(), decoy.server_key.end(), std::uint8_t{0});
  return decoy;
}

std::uint64_t estimated_us(const PasswordHash& hash) {
  switch (hash.kind) {
    case PasswordHash::Kind::sha512:
      return 1;
    case PasswordHash::Kind::pbkdf2_sha512:
      return hash.iterations;
    case PasswordHash::Kind::scram_sha256:
      return hash.iterations / 2;
    case PasswordHash::Kind::argon2id:
      break;
  }
  return std::uint64_t{hash.memory_kib} * hash.iterations;
}

Result<std::string> make_password_hash(const HashOptions& options, ByteView password, env::Entropy& entropy) {
  const bool pbkdf2 = options.kind == PasswordHash::Kind::pbkdf2_sha512;
  PasswordHash hash;
  hash.kind = options.kind;
  hash.salt.resize(pbkdf2 ? kMosquittoSaltBytes : kNewSaltBytes);
  entropy.fill(hash.salt);
  const auto iterations_are_legal = [](std::uint32_t count) { return count >= 1 && count <= kMaxIterations; };
  switch (options.kind) {
    case PasswordHash::Kind::sha512:
      return fail("$6$ hashes are read for old files and not made: they are too cheap to break");
    case PasswordHash::Kind::pbkdf2_sha512: {
      const std::uint32_t count = options.pbkdf2_iterations;
      if (!iterations_are_legal(count)) return fail(fmt::format("iterations: 1 to {}", kMaxIterations));
      return fmt::format("$7${}${}${}", count, base64_encode(hash.salt, Base64::padded),
                         base64_encode(pbkdf2_sha512(password, hash.salt, count), Base64::padded));
    }
    case PasswordHash::Kind::scram_sha256: {
      const std::uint32_t count = options.scram_iterations;
      if (!iterations_are_legal(count)) return fail(fmt::format("iterations: 1 to {}", kMaxIterations));
      const Sha256 salted = pbkdf2_sha256(password, hash.salt, count);
      const Sha256 stored_key = sha256(hmac_sha256(salted, as_bytes("Client Key")));
      const Sha256 server_key = hmac_sha256(salted, as_bytes("Server Key"));
      return fmt::format("{}{}:{}${}:{}", kScramPrefix, count, base64_encode(hash.salt, Base64::padded),
                         base64_encode(stored_key, Base64::padded), base64_encode(server_key, Base64::padded));
    }
    case PasswordHash::Kind::argon2id:
      break;
  }
  hash.memory_kib = options.memory_kib;
  hash.iterations = options.passes;
  hash.lanes = options.lanes;
  hash.version = ARGON2_VERSION_13;
  if (auto bounds = check_argon2_bounds(hash); !bounds) return tl::unexpected(bounds.error());
  hash.hash.resize(kNewHashBytes);
  if (auto done = argon2id(hash, password, hash.hash); !done) return tl::unexpected(done.error());
  return fmt::format("$argon2id$v=19$m={},t={},p={}${}${}", hash.memory_kib, hash.iterations, hash.lanes,
                     base64_encode(hash.salt, Base64::unpadded), base64_encode(hash.hash, Base64::unpadded));
}

}  // namespace martlet::auth
