// What `martlet acl explain` prints.
#pragma once

#include <string>

#include "auth/access_chain.h"

namespace martlet::server {

// Lines for a person: the decision, the rule, and the rules that were passed; at most a few of these, unless `all`.
std::string explained_text(const auth::AccessChain::Explained& explained, bool all);

// One JSON object on a line:
// {"allowed":..,"rule":..,"text":..,"sources":[{"name":..,"opinion":..,"passed":[{"rule":..,"text":..,"why":..}]}]}
std::string explained_json(const auth::AccessChain::Explained& explained);

}  // namespace martlet::server
