// Rules about topics that come with a client: the `acl` of an HTTP answer or of a token, in EMQX's formats. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "auth/grants.h"
#include "base/result.h"

namespace martlet::auth {

inline constexpr std::size_t kMaxAclRules = 1'000;

// Adds the rules of `acl` to `grants` and sets has_rules, also when there are none. Two forms:
//   [{"permission": "allow"|"deny", "action": "publish"|"subscribe"|"all", "topic": FILTER}, ...]
//   {"pub": [FILTER, ...], "sub": [FILTER, ...], "all": [FILTER, ...]}    all of them allowed
// In filters ${username} becomes %u and ${clientid} %c. "eq " before a filter without wildcards is dropped.
// An Error, and `grants` as it was, for anything else: a condition that is not understood (qos, retain, ipaddr) must
// not turn a rule into one that holds always.
Result<void> parse_acl_rules(const nlohmann::json& acl, ClientGrants& grants);

}  // namespace martlet::auth
