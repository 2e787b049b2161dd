// A JSON Web Token in its compact form [RFC 7519, RFC 7515 3.1], taken apart. Pure, any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/jwt_key.h"
#include "base/bytes.h"
#include "base/result.h"

namespace martlet::auth {

inline constexpr std::size_t kMaxTokenBytes = 16'384;

struct JwtToken {
  nlohmann::json header;
  nlohmann::json claims;
  ByteView signed_part;  // into the text
  std::vector<std::uint8_t> signature;

  // The header's `kid`; empty: none. Into the header.
  std::string_view key_id() const;
};

// Nothing if `text` is no such token: more than kMaxTokenBytes, not three parts in base64url, header or claims no JSON
// objects. Nothing is checked yet.
std::optional<JwtToken> split_token(ByteView text);

// Which keys and algorithms are taken, and what claims must say.
struct JwtRules {
  std::vector<JwtAlgorithm> algorithms;  // empty: all that a key fits
  std::string issuer;                    // `iss`; empty: any
  std::string audience;                  // among `aud`; empty: any
  std::int64_t leeway_ms = 0;
};

// How checking a signature ended.
enum class JwtMatch : std::uint8_t { fits, does_not_fit, no_such_key };

// `does_not_fit` also for algorithms that are not allowed, unknown or "none", and for headers with `crit`, which would
// have to be understood.
JwtMatch check_signature(const JwtToken& token, const JwtKeySet& keys, const JwtRules& rules);

// What the claims say about time, issuer and audience; the Error, which may be told to the client, says what is wrong.
// Returns when the token ends, as Unix time in milliseconds with the leeway; 0: never.
Result<std::int64_t> check_claims(const nlohmann::json& claims, const JwtRules& rules, std::int64_t wall_ms);

}  // namespace martlet::auth
