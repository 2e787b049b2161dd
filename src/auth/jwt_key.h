// Keys that JSON Web Tokens are checked with [RFC 7515, RFC 7517, RFC 7518, RFC 8037]: secrets, PEM files, key sets. A
// key checks only the algorithms of its own type, so no public key is taken for a secret.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace martlet::auth {

enum class JwtAlgorithm : std::uint8_t {
  hs256,
  hs384,
  hs512,
  rs256,
  rs384,
  rs512,
  ps256,
  ps384,
  ps512,
  es256,
  es384,
  es512,
  eddsa,
};

// The algorithm that RFC 7518 calls `name`; nothing for all others, "none" among them.
std::optional<JwtAlgorithm> jwt_algorithm(std::string_view name);

// Any thread once it is made; a copy shares the key.
class JwtKey {
 public:
  // An Error if the key is too short for HS256 (32 bytes).
  static Result<JwtKey> from_secret(std::string_view secret);
  // A public key or a certificate. An Error for other keys than RSA of 2048 to 8192 bits, P-256, P-384, P-521 and
  // Ed25519.
  static Result<JwtKey> from_pem(const std::string& pem);

  // The `kid`; empty: none.
  const std::string& id() const { return id_; }
  // Whether it may check tokens with this algorithm.
  bool fits(JwtAlgorithm algorithm) const;
  // Whether a check takes longer than some tens of microseconds: OpenSSL has fast code for P-256 alone.
  bool is_slow() const { return type_ == Type::p384 || type_ == Type::p521; }
  // Whether `signature` is of `input`; only if it fits.
  bool verifies(JwtAlgorithm algorithm, ByteView input, ByteView signature) const;

 private:
  friend class JwkReader;
  enum class Type : std::uint8_t { secret, rsa, p256, p384, p521, ed25519 };

  static Result<JwtKey> from_public(std::shared_ptr<void> key);
  bool verifies_public(JwtAlgorithm algorithm, ByteView input, ByteView signature) const;

  Type type_ = Type::secret;
  std::string id_;
  std::optional<JwtAlgorithm> only_;           // `alg` of a JWK
  std::shared_ptr<const std::string> secret_;  // wiped at the end
  std::shared_ptr<void> public_;               // EVP_PKEY
};

using JwtKeySet = std::vector<JwtKey>;

inline constexpr std::size_t kMaxJwkSetBytes = 65'536;

// The keys of a JWK Set that can check signatures of a known algorithm; others are left out. An Error if there is none,
// or if it is no JWK Set.
Result<JwtKeySet> parse_jwk_set(std::string_view text);

}  // namespace martlet::auth
