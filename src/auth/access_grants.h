// What a client's token says about topics (auth/grants.h).
#pragma once

#include <string>

#include "auth/access_source.h"

namespace martlet::auth {

// For a client whose token has rules the first that fits decides, and what none allows is denied; about others it knows
// nothing. %u and %c in filters as in rules (access_placeholders.h). As there, receiving asks the rules of subscribing.
class AccessGrants final : public AccessSource {
 public:
  explicit AccessGrants(std::string name) : name_(std::move(name)) {}
  std::string_view name() const override { return name_; }
  // A token may deny a part of what it allows to subscribe to.
  bool checks_receive() const override { return true; }
  AccessOpinion check(const broker::Actor& actor, const AccessQuestion& question) override;
  Explanation explain(const broker::Actor& actor, const AccessQuestion& question) override;

 private:
  std::string name_;
};

}  // namespace martlet::auth
