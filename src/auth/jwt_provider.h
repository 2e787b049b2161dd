// A client's password is a signed token. Who has none is unknown, so that providers behind this one are asked; a token
// of another issuer is unknown, too, if an issuer is configured. Any other token that does not fit refuses.
//
// The user is what username_claim says; a user name in CONNECT that differs is refused, an empty one or none is not.
// exp ends the connection. A check with keys that are there is done on the core: HS256 takes about 2 us, RSA-2048 20,
// ES256 50, Ed25519 70. Keys from a URL, P-384 and P-521 (400 us) make it a worker's.
#pragma once

#include <memory>
#include <string>

#include "auth/jwt_key_store.h"
#include "auth/jwt_token.h"
#include "auth/options.h"
#include "auth/provider.h"
#include "base/result.h"

namespace martlet::auth {

struct JwtSettings {
  std::string name;
  JwtRules rules;
  std::string username_claim;  // empty: CONNECT's user name is taken
  std::string groups_claim;    // empty: none; a path with dots if there is no claim of that name
  std::string acl_claim;       // empty: none
  bool token_from_username = false;
};

std::unique_ptr<Provider> make_jwt_provider(JwtSettings settings, std::unique_ptr<JwtKeyStore> keys);

}  // namespace martlet::auth
