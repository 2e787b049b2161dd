// Mosquitto's acl_file from hostile hands: it is read or refused with a line, and what was read decides in the same way
// by its index as rule for rule.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "auth/access_mosquitto.h"
#include "base/check.h"

namespace {

using namespace martlet;
using auth::Action;

void ask(auth::AccessMosquitto& source, std::string_view user, std::string_view client, std::string_view topic) {
  broker::Actor actor;
  actor.username = user;
  actor.client_id = client;
  for (const Action action : {Action::publish, Action::subscribe, Action::receive}) {
    const auth::AccessQuestion question{action, topic, wire::QoS::at_most_once, false};
    const auth::AccessOpinion fast = source.check(actor, question);
    const auth::AccessOpinion slow = source.explain(actor, question).opinion;
    check(fast.kind == slow.kind && std::string_view(fast.rule) == slow.rule, "the index decides as the rules do");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  auto acl = auth::parse_mosquitto_acl(text, "acl");
  if (!acl) {
    check(acl.error().message.starts_with("acl:"), "an error has its line");
    return 0;
  }
  // The names of rules are kept for ever: few, so that fuzzing does not fill the memory.
  if (acl->anonymous.size() + acl->patterns.size() > 200) return 0;
  auth::AccessMosquitto source(std::move(*acl), "acl", "mosquitto", size % 2 == 0);
  for (const std::string_view topic : {"a", "a/b", "$SYS/x", "c/ann", "a/b/c"}) {
    ask(source, "", "c", topic);
    ask(source, "ann", "c", topic);
    ask(source, "a+", "c", topic);
    ask(source, "ann", "a/b", topic);
  }
  return 0;
}
