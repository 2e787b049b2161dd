// Martlet's rules file from hostile hands: it is read or refused with a line, and what was read decides in the same way
// by its indexes as rule for rule.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "auth/access_rules.h"
#include "auth/access_rules_parser.h"
#include "auth/grants.h"
#include "base/check.h"

namespace {

using namespace martlet;
using auth::Action;

void ask(auth::AccessRules& source, const auth::ClientGrants& grants, std::string_view user, std::string_view client,
         std::string_view topic) {
  broker::Actor actor;
  actor.username = user;
  actor.client_id = client;
  actor.peer_address = "192.0.2.1:50123";
  actor.grants = &grants;
  for (const Action action : {Action::publish, Action::subscribe, Action::receive}) {
    const auth::AccessQuestion question{action, topic, wire::QoS::at_least_once, true};
    const auth::AccessOpinion fast = source.check(actor, question);
    const auth::AccessOpinion slow = source.explain(actor, question).opinion;
    check(fast.kind == slow.kind, "the index decides as the rules do");
    check((fast.rule[0] == 0) == (slow.rule[0] == 0), "both name a rule");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  auto file = auth::parse_access_rules(text, "rules");
  if (!file) {
    check(file.error().message.starts_with("rules:"), "an error has its line");
    return 0;
  }
  // The names of rules are kept for ever: few, so that fuzzing does not fill the memory.
  if (file->rules.size() > 50) return 0;
  auth::AccessRules source(std::move(*file), "rules", "rules", {"tcp"});
  auth::ClientGrants grants;
  grants.groups = {"staff", "#"};
  for (const std::string_view topic : {"a", "a/b", "$SYS/x", "c/ann", "a/staff/c"}) {
    ask(source, grants, "", "c", topic);
    ask(source, grants, "ann", "c", topic);
    ask(source, grants, "a+", "a/b", topic);
  }
  return 0;
}
