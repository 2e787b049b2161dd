// One source of the answer to "may they?": a link of the authorizer's chain (auth/access_chain.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/ports.h"
#include "wire/types.h"

namespace martlet::auth {

enum class Action : std::uint8_t { publish, subscribe, receive };

struct AccessQuestion {
  Action action = Action::publish;
  std::string_view topic;  // name, or filter of a subscribe
  wire::QoS qos = wire::QoS::at_most_once;
  bool retain = false;
};

struct AccessOpinion {
  enum class Kind : std::uint8_t { allow, deny, unknown, pending };
  Kind kind = Kind::unknown;
  const char* rule = "";  // what decided, such as "rules.toml:12"; interned
};

// How an opinion came about, for a person.
struct Explanation {
  struct Step {
    std::string rule;  // "rules.toml:12"
    std::string text;  // the rule as it was understood
    std::string why;   // why it did not decide
  };
  std::vector<Step> passed;  // what was looked at before, in order
  AccessOpinion opinion;
  std::string text;  // of the rule that decided; empty: none did
};

// What it is made of does not change; a new configuration makes a new one. Any thread, several at once; never waits.
class AccessSource {
 public:
  virtual ~AccessSource() = default;
  virtual std::string_view name() const = 0;
  // Whether it has to do with the client at all: one that has not is as if it were not there.
  virtual bool applies_to(const broker::Actor&) const { return true; }
  // Whether it has rules about receiving.
  virtual bool checks_receive() const { return false; }
  // `pending` only if actor.answers: then it answers there (with the whole decision, what follows it in the chain is
  // not asked). Never for receive.
  virtual AccessOpinion check(const broker::Actor& actor, const AccessQuestion& question) = 0;
  // The opinion of check() with the way to it. As slow as there are many rules: for an operator, not for traffic.
  virtual Explanation explain(const broker::Actor& actor, const AccessQuestion& question) {
    Explanation explanation;
    explanation.opinion = check(actor, question);
    return explanation;
  }
};

}  // namespace martlet::auth
