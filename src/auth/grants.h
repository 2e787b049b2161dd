// What an authenticator found out about a client, for the authorizer.
#pragma once

#include <string>
#include <vector>

#include "broker/ports.h"

namespace martlet::auth {

struct ClientGrants final : broker::Grants {
  // A rule of a token's acl claim; filters may have %u and %c.
  struct Rule {
    bool allow = true;
    bool publish = false;
    bool subscribe = false;
    std::string filter;
  };
  std::vector<std::string> groups;
  bool has_rules = false;  // the token speaks about topics
  std::vector<Rule> rules;
  bool superuser = false;  // may do everything
};

inline const ClientGrants* grants_of(const broker::Actor& actor) {
  return static_cast<const ClientGrants*>(actor.grants);
}

}  // namespace martlet::auth
