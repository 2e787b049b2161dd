// Tokens and key sets from strangers: nothing aborts, and no token passes that was not signed.
#include <fuzzer/FuzzedDataProvider.h>

#include "auth/jwt_key.h"
#include "auth/jwt_provider.h"
#include "auth/jwt_token.h"
#include "base/check.h"

namespace {

using namespace martlet;
using namespace martlet::auth;

// A key that nobody knows.
JwtKeySet secret_keys() {
  return {*JwtKey::from_secret("9d1c05c5a0c4ab6b61b5b6c0f6f0b0f3d2f1a6b7c8d9e0f1")};
}

Provider& provider() {
  static const auto made = [] {
    JwtSettings settings{"jwt", {}, "sub", "groups", "acl", false};
    return make_jwt_provider(std::move(settings), std::make_unique<JwtKeyStore>(secret_keys(), nullptr, 0, nullptr));
  }();
  return *made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  if (data[0] % 2 == 0) {
    if (const auto keys = parse_jwk_set(as_text(input))) {
      check(!keys->empty(), "a set that was taken has keys");
      for (const JwtKey& key : *keys) {
        for (int i = 0; i <= static_cast<int>(JwtAlgorithm::eddsa); ++i) {
          const auto algorithm = static_cast<JwtAlgorithm>(i);
          if (!key.fits(algorithm)) check(!key.verifies(algorithm, input, input), "a key checks its own algorithms");
        }
      }
    }
    return 0;
  }
  Credentials credentials;
  credentials.username = "";
  credentials.password.emplace(input.begin(), input.end());
  const Opinion opinion = provider().check(credentials, 1'800'000'000'000);
  check(opinion.kind != Opinion::Kind::allow, "nobody can sign");
  check(opinion.kind != Opinion::Kind::failed, "the keys are there");
  if (const auto token = split_token(input)) {
    JwtRules rules{{}, "issuer", "audience", 1'000};
    static_cast<void>(check_claims(token->claims, rules, 1'800'000'000'000));
    check(check_signature(*token, secret_keys(), rules) != JwtMatch::fits, "nobody can sign");
  }
  return 0;
}
