#include "auth/access_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/intern.h"

namespace martlet::auth {
namespace {

// A list that names who it is for one by one.
bool is_literal(const std::vector<std::string>& globs) {
  return !globs.empty() && std::ranges::none_of(globs, is_glob);
}

}  // namespace

AccessRules::AccessRules(AccessRuleFile file, std::string_view file_name, std::string name,
                         std::vector<std::string> listeners)
    : file_(std::move(file)), name_(std::move(name)), listeners_(std::move(listeners)) {
  for (const auto& [group, users] : file_.groups) {
    for (const std::string& user : users) groups_of_user_[user].push_back(group);
  }
  for (std::size_t i = 0; i < file_.rules.size(); ++i) {
    const AccessRule& rule = file_.rules[i];
    name_rule(rule, file_name);
    index_rule(static_cast<std::uint32_t>(i));
    const auto denied = rule.filters(Action::receive);
    checks_receive_ = checks_receive_ || (!rule.allow && !(denied[0]->empty() && denied[1]->empty()));
  }
}

void AccessRules::name_rule(const AccessRule& rule, std::string_view file_name) {
  const std::string name = fmt::format("{}:{}", file_name, rule.line);
  Names names;
  names.rule = intern(name);
  const auto bad = [&](Filling filling) { return intern(fmt::format("{}: {}", name, to_text(filling))); };
  for (const auto* filters : {&rule.publish, &rule.subscribe, &rule.receive}) {
    for (const std::string& filter : *filters) {
      if (filter.find("%u") != std::string::npos) names.bad_user = bad(Filling::bad_user);
      if (filter.find("%c") != std::string::npos) names.bad_client = bad(Filling::bad_client);
      if (filter.find("%g") != std::string::npos) names.bad_group = bad(Filling::bad_group);
    }
  }
  names_.push_back(names);
}

const char* AccessRules::Names::of(Filling filling) const {
  switch (filling) {
    case Filling::bad_user:
      return bad_user;
    case Filling::bad_client:
      return bad_client;
    case Filling::bad_group:
      return bad_group;
    case Filling::filled:
    case Filling::missing:
      break;
  }
  return rule;
}

void AccessRules::index_rule(std::uint32_t number) {
  const AccessRule& rule = file_.rules[number];
  const auto add_all = [&](ByText<Bucket>& buckets, std::vector<std::string> keys) {
    std::ranges::sort(keys);
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    for (const std::string& key : keys) add_to(buckets[key], number);
  };
  if (is_literal(rule.users)) return add_all(by_user_, rule.users);
  if (is_literal(rule.clients)) return add_all(by_client_, rule.clients);
  if (is_literal(rule.groups)) return add_all(by_group_, rule.groups);
  add_to(everyone_, number);
}

void AccessRules::add_to(Bucket& bucket, std::uint32_t number) const {
  for (const Action action : {Action::publish, Action::subscribe, Action::receive}) {
    for (const auto* filters : file_.rules[number].filters(action)) {
      for (const std::string& filter : *filters) {
        bucket.actions[static_cast<std::size_t>(action)].add(number, filter, has_placeholder(filter));
      }
    }
  }
}

AccessAsker AccessRules::asker_for(const broker::Actor& actor) const {
  const auto table = groups_of_user_.find(actor.username);
  return {actor, table == groups_of_user_.end() ? nullptr : &table->second, listeners_};
}

template <class Visit>
void AccessRules::each_bucket(const AccessAsker& asker, const Visit& visit) const {
  const auto visit_of = [&](const ByText<Bucket>& buckets, std::string_view key) {
    if (buckets.empty()) return;
    if (const auto found = buckets.find(key); found != buckets.end()) visit(found->second);
  };
  visit(everyone_);
  visit_of(by_user_, asker.user());
  visit_of(by_client_, asker.client());
  if (by_group_.empty()) return;
  asker.any_group([&](std::string_view group) {
    visit_of(by_group_, group);
    return false;
  });
}

AccessOpinion AccessRules::check(const broker::Actor& actor, const AccessQuestion& question) {
  AccessAsker asker = asker_for(actor);
  const AskedTopic asked(question.topic, question.action == Action::subscribe);
  constexpr std::uint32_t kNone = AccessFilterIndex::kNone;
  std::uint32_t best = kNone;
  Filling best_filling = Filling::filled;
  // The first allowing rule that would have been for the topic, had its placeholder not held a wildcard.
  std::uint32_t spoilt = kNone;
  Filling spoilt_filling = Filling::filled;

  const auto accept = [&](std::uint32_t number) {
    const bool fits = find_miss(file_.rules[number], asker, question) == RuleMiss::none;
    if (fits) best_filling = Filling::filled;
    return fits;
  };
  const auto filled = [&](const AccessFilterIndex::Entry& entry) {
    const AccessRule& rule = file_.rules[entry.rule];
    if (!may_match(entry.filter, asked) || find_miss(rule, asker, question) != RuleMiss::none) return false;
    const FilterMatch match = match_filter(rule, entry.filter, asked, asker);
    if (match.matches) best_filling = match.filling;
    if (!match.matches && match.filling != Filling::filled && entry.rule < spoilt) {
      spoilt = entry.rule;
      spoilt_filling = match.filling;
    }
    return match.matches;
  };
  each_bucket(asker, [&](const Bucket& bucket) {
    bucket.actions[static_cast<std::size_t>(question.action)].find_first(asked, best, accept, filled);
  });
  if (best != kNone) {
    const auto kind = file_.rules[best].allow ? AccessOpinion::Kind::allow : AccessOpinion::Kind::deny;
    return {kind, names_[best].of(best_filling)};
  }
  if (spoilt != kNone) return {AccessOpinion::Kind::deny, names_[spoilt].of(spoilt_filling)};
  return {};
}

// The first filter that matches; without one the last that has a bad value.
FilterMatch AccessRules::match_rule(const AccessRule& rule, const AskedTopic& asked, const AccessAsker& asker,
                                    Action action) {
  FilterMatch match;
  for (const auto* filters : rule.filters(action)) {
    for (const std::string& filter : *filters) {
      const FilterMatch one = match_filter(rule, filter, asked, asker);
      if (one.matches) return one;
      if (one.filling != Filling::filled) match = one;
    }
  }
  return match;
}

std::string_view AccessRules::why_passed(const AccessRule& rule, const AccessAsker& asker,
                                         const AccessQuestion& question) {
  const bool keeps_back = question.action == Action::subscribe && !rule.allow && rule.qos == AccessRule::kAnyQos;
  const bool meets = keeps_back && std::ranges::any_of(rule.subscribe, [&](const std::string& filter) {
                       return meets_filter(rule, filter, question.topic, asker);
                     });
  return meets ? "is about a part of it: what it denies is not delivered" : to_text(RuleMiss::topic);
}

Explanation AccessRules::explain(const broker::Actor& actor, const AccessQuestion& question) {
  AccessAsker asker = asker_for(actor);
  const AskedTopic asked(question.topic, question.action == Action::subscribe);
  Explanation explanation;
  AccessOpinion spoilt;
  for (std::size_t i = 0; i < file_.rules.size(); ++i) {
    const AccessRule& rule = file_.rules[i];
    const RuleMiss miss = find_miss(rule, asker, question);
    if (miss != RuleMiss::none) {
      explanation.passed.push_back({names_[i].rule, rule.text, std::string(to_text(miss))});
      continue;
    }
    const FilterMatch match = match_rule(rule, asked, asker, question.action);
    if (match.matches) {
      const auto kind = rule.allow ? AccessOpinion::Kind::allow : AccessOpinion::Kind::deny;
      explanation.opinion = {kind, names_[i].of(match.filling)};
      explanation.text = rule.text;
      return explanation;
    }
    const bool is_spoilt = match.filling != Filling::filled;
    if (is_spoilt && spoilt.kind == AccessOpinion::Kind::unknown) {
      spoilt = {AccessOpinion::Kind::deny, names_[i].of(match.filling)};
    }
    explanation.passed.push_back({names_[i].rule, rule.text,
                                  std::string(is_spoilt ? to_text(match.filling) : why_passed(rule, asker, question))});
  }
  explanation.opinion = spoilt;
  return explanation;
}

}  // namespace martlet::auth
