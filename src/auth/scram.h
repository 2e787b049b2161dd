// SCRAM-SHA-256 as an enhanced authentication [4.12, RFC 5802, RFC 7677], the server's side, without channel binding.
// User names are compared as they come: control characters are refused, and SASLprep's normalisation is not done, so a
// name has to be written as the client sends it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "auth/password_hash.h"
#include "broker/ports.h"
#include "env/entropy.h"

namespace martlet::auth {

inline constexpr std::string_view kScramMethod = "SCRAM-SHA-256";

// A user's keys; or, for somebody unknown, keys that no password fits, with a salt that is always the same for that
// name.
struct ScramUser {
  PasswordHash keys;
  bool known = false;
};
using ScramLookup = std::function<ScramUser(std::string_view user)>;

// One exchange. `required_user`, unless it is empty, is the only name that may come out of it: CONNECT's. The success
// names the user. Whatever goes wrong is a refusal with `not_authorized`, which is legal in CONNACK and in DISCONNECT.
// Costs a few HMACs: it never waits. `entropy` outlives it.
std::unique_ptr<broker::AuthExchange> make_scram_exchange(ScramLookup lookup, std::string required_user,
                                                          env::Entropy& entropy);

}  // namespace martlet::auth
