#include "auth/access_grants.h"

#include <fmt/format.h>

#include "auth/access_filter_index.h"
#include "auth/access_placeholders.h"
#include "auth/grants.h"
#include "base/printable.h"

namespace martlet::auth {
namespace {

constexpr const char* kAllowed = "a rule of the token";
constexpr const char* kDenied = "a rule of the token denies it";
constexpr const char* kNone = "no rule of the token allows it";

bool is_for(const ClientGrants::Rule& rule, const broker::Actor& actor, const AskedTopic& asked, Action action) {
  if (!(action == Action::publish ? rule.publish : rule.subscribe)) return false;
  if (!has_placeholder(rule.filter)) return asked.is_within(rule.filter);
  FilterBuffer filled;
  const Filling filling = fill_placeholders(rule.filter, {actor.username, actor.client_id, {}}, filled);
  if (filling == Filling::filled) return asked.is_within(view_of(filled));
  // What may not stand in a filter allows nothing, and escapes no denial.
  if (filling == Filling::missing || rule.allow) return false;
  return !widen_begun(filled) || asked.is_within(view_of(filled));
}

// The number of the rule that decides; as many as there are if none does.
std::size_t find_rule(const ClientGrants& grants, const broker::Actor& actor, const AccessQuestion& question) {
  const AskedTopic asked(question.topic, question.action == Action::subscribe);
  std::size_t number = 0;
  while (number < grants.rules.size() && !is_for(grants.rules[number], actor, asked, question.action)) ++number;
  return number;
}

std::string describe(const ClientGrants::Rule& rule) {
  return fmt::format("{}{}{} \"{}\"", rule.allow ? "allow" : "deny", rule.publish ? " publish" : "",
                     rule.subscribe ? " subscribe" : "", printable(rule.filter));
}

}  // namespace

AccessOpinion AccessGrants::check(const broker::Actor& actor, const AccessQuestion& question) {
  const ClientGrants* grants = grants_of(actor);
  if (!grants || !grants->has_rules) return {};
  const std::size_t number = find_rule(*grants, actor, question);
  if (number == grants->rules.size()) return {AccessOpinion::Kind::deny, kNone};
  if (grants->rules[number].allow) return {AccessOpinion::Kind::allow, kAllowed};
  return {AccessOpinion::Kind::deny, kDenied};
}

Explanation AccessGrants::explain(const broker::Actor& actor, const AccessQuestion& question) {
  Explanation explanation;
  explanation.opinion = check(actor, question);
  const ClientGrants* grants = grants_of(actor);
  if (!grants || !grants->has_rules) return explanation;
  const std::size_t number = find_rule(*grants, actor, question);
  for (std::size_t i = 0; i < number; ++i) {
    explanation.passed.push_back(
        {fmt::format("rule {} of the token", i + 1), describe(grants->rules[i]), "is about other actions or topics"});
  }
  if (number < grants->rules.size()) explanation.text = describe(grants->rules[number]);
  return explanation;
}

}  // namespace martlet::auth
