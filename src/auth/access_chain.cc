#include "auth/access_chain.h"

#include <algorithm>

#include "auth/grants.h"

namespace martlet::auth {
namespace {

using broker::AccessDecision;
using broker::Actor;

constexpr const char* kNobodyAllows = "no rule allows it";
constexpr const char* kCannotAsk = "the answer would come too late";

bool is_superuser(const Actor& actor) {
  const ClientGrants* grants = grants_of(actor);
  return grants && grants->superuser;
}

AccessDecision without_opinion(bool any_source, Action action) {
  return any_source && action != Action::receive ? AccessDecision::deny(kNobodyAllows) : AccessDecision::allow();
}

AccessDecision decision_of(const AccessOpinion& opinion, const Actor& actor, bool any_source, Action action) {
  switch (opinion.kind) {
    case AccessOpinion::Kind::allow:
      return AccessDecision::allow(opinion.rule);
    case AccessOpinion::Kind::deny:
      return AccessDecision::deny(opinion.rule);
    case AccessOpinion::Kind::pending:
      return actor.answers ? AccessDecision::wait() : AccessDecision::deny(kCannotAsk);
    case AccessOpinion::Kind::unknown:
      break;
  }
  return without_opinion(any_source, action);
}

AccessDecision ask(const AccessChain::Sources& sources, const Actor& actor, const AccessQuestion& question) {
  AccessOpinion opinion;
  bool any_source = false;
  for (const auto& source : sources) {
    if (!source->applies_to(actor)) continue;
    any_source = true;
    opinion = source->check(actor, question);
    if (opinion.kind != AccessOpinion::Kind::unknown) break;
  }
  return decision_of(opinion, actor, any_source, question.action);
}

bool any_checks_receive(const AccessChain::Sources& sources) {
  return std::ranges::any_of(sources, [](const auto& source) { return source->checks_receive(); });
}

}  // namespace

AccessChain::AccessChain(Sources sources, Sources shadows, ShadowTable::FirstSeen first_seen)
    : sources_(std::move(sources)),
      shadows_(std::move(shadows)),
      checks_receive_(any_checks_receive(sources_) || any_checks_receive(shadows_)),
      table_(std::move(first_seen)) {}

AccessDecision AccessChain::may_publish(const Actor& actor, std::string_view topic, wire::QoS qos, bool retain) {
  return decide(actor, {Action::publish, topic, qos, retain});
}

AccessDecision AccessChain::may_subscribe(const Actor& actor, std::string_view filter, wire::QoS qos) {
  return decide(actor, {Action::subscribe, filter, qos, false});
}

AccessDecision AccessChain::may_receive(const Actor& actor, std::string_view topic) {
  return decide(actor, {Action::receive, topic, wire::QoS::at_most_once, false});
}

AccessDecision AccessChain::decide(const Actor& actor, const AccessQuestion& question) {
  if (is_superuser(actor)) return AccessDecision::allow("superuser");
  const AccessDecision real = ask(sources_, actor, question);
  if (!shadows_.empty() && !real.pending) compare(actor, question, real);
  return real;
}

void AccessChain::compare(const Actor& actor, const AccessQuestion& question, const AccessDecision& real) {
  // Nobody waits for a shadow's answer.
  Actor silent = actor;
  silent.answers = nullptr;
  const AccessDecision shadow = ask(shadows_, silent, question);
  if (shadow.allowed == real.allowed) return;
  ShadowDifference difference;
  difference.is_user = !actor.username.empty();
  difference.who = difference.is_user ? actor.username : actor.client_id;
  difference.action = question.action;
  difference.would_allow = shadow.allowed;
  difference.rule = shadow.rule;
  difference.real_rule = real.rule;
  difference.topic = question.topic;
  table_.add(difference);
}

AccessChain::Explained AccessChain::explain(const Actor& actor, const AccessQuestion& question) const {
  Explained explained;
  if (is_superuser(actor)) {
    explained.decision = AccessDecision::allow("superuser");
    return explained;
  }
  Actor silent = actor;
  silent.answers = nullptr;
  AccessOpinion opinion;
  for (const auto& source : sources_) {
    if (!source->applies_to(silent)) continue;
    Explanation explanation = source->explain(silent, question);
    opinion = explanation.opinion;
    explained.sources.push_back({std::string(source->name()), std::move(explanation)});
    if (opinion.kind != AccessOpinion::Kind::unknown) break;
  }
  explained.decision = decision_of(opinion, silent, !explained.sources.empty(), question.action);
  return explained;
}

}  // namespace martlet::auth
