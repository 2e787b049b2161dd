#include "auth/access_mosquitto.h"

#include <fmt/format.h>

#include <algorithm>

#include "auth/access_placeholders.h"
#include "base/intern.h"
#include "base/printable.h"

namespace martlet::auth {
namespace {

bool has_pattern_placeholder(std::string_view filter) {
  return filter.find("%c") != std::string_view::npos || filter.find("%u") != std::string_view::npos;
}

bool is_dangerous(std::string_view name) {
  return name.find_first_of("+#") != std::string_view::npos;
}

// Unlike a rule's placeholders (access_placeholders.h), Mosquitto's take what has slashes. False: it is for clients
// with a user name.
bool fill_pattern(std::string_view filter, const broker::Actor& actor, FilterBuffer& out) {
  while (!filter.empty()) {
    const std::string_view two = filter.substr(0, 2);
    if (two == "%c") {
      out.append(actor.client_id);
    } else if (two == "%u") {
      if (actor.username.empty()) return false;
      out.append(actor.username);
    } else {
      out.push_back(filter.front());
      filter.remove_prefix(1);
      continue;
    }
    filter.remove_prefix(2);
  }
  return true;
}

bool pattern_matches(std::string_view filter, const broker::Actor& actor, const AskedTopic& asked) {
  if (!has_pattern_placeholder(filter)) return asked.is_within(filter);
  FilterBuffer filled;
  return fill_pattern(filter, actor, filled) && asked.is_within(view_of(filled));
}

std::string describe(const MosquittoAcl::Rule& rule, bool pattern) {
  const std::string_view access = rule.denies() ? "deny" : !rule.write ? "read" : !rule.read ? "write" : "readwrite";
  return fmt::format("{} {} {}", pattern ? "pattern" : "topic", access, printable(rule.filter));
}

bool is_about(const MosquittoAcl::Rule& rule, Action action) {
  return rule.denies() || (action == Action::publish ? rule.write : rule.read);
}

AccessOpinion opinion_of(const MosquittoAcl::Rule& rule, const char* name) {
  return {rule.denies() ? AccessOpinion::Kind::deny : AccessOpinion::Kind::allow, name};
}

}  // namespace

AccessMosquitto::AccessMosquitto(MosquittoAcl acl, std::string_view file_name, std::string name, bool lenient_subscribe)
    : name_(std::move(name)), lenient_subscribe_(lenient_subscribe) {
  const auto named = [&](std::string_view what) { return intern(fmt::format("{}: {}", file_name, what)); };
  subscribe_name_ = named("SUBSCRIBE is always allowed");
  nothing_name_ = named("no rule allows it");
  dangerous_client_name_ = named("the client id holds a wildcard");
  dangerous_user_name_ = named("the user name holds a wildcard");
  fill(anonymous_, std::move(acl.anonymous), file_name, false);
  for (auto& [user, rules] : acl.users) fill(users_[user], std::move(rules), file_name, false);
  fill(patterns_, std::move(acl.patterns), file_name, true);
}

void AccessMosquitto::fill(List& list, std::vector<MosquittoAcl::Rule> rules, std::string_view file_name,
                           bool patterns) {
  list.rules = std::move(rules);
  std::ranges::stable_partition(list.rules, &MosquittoAcl::Rule::denies);
  for (std::size_t i = 0; i < list.rules.size(); ++i) {
    const MosquittoAcl::Rule& rule = list.rules[i];
    list.names.push_back(intern(fmt::format("{}:{}", file_name, rule.line)));
    has_denials_ = has_denials_ || rule.denies();
    const bool placeholder = patterns && has_pattern_placeholder(rule.filter);
    const auto number = static_cast<std::uint32_t>(i);
    if (is_about(rule, Action::receive)) list.reading.add(number, rule.filter, placeholder);
    if (is_about(rule, Action::publish)) list.writing.add(number, rule.filter, placeholder);
  }
}

const AccessMosquitto::List* AccessMosquitto::own_list(const broker::Actor& actor) const {
  if (actor.username.empty()) return &anonymous_;
  const auto found = users_.find(actor.username);
  return found == users_.end() ? nullptr : &found->second;
}

std::uint32_t AccessMosquitto::find(const List& list, const broker::Actor& actor, const AskedTopic& asked,
                                    Action action) const {
  const bool patterns = &list == &patterns_;
  std::uint32_t best = AccessFilterIndex::kNone;
  (action == Action::publish ? list.writing : list.reading)
      .find_first(
          asked, best, [](std::uint32_t) { return true; },
          [&](const AccessFilterIndex::Entry& entry) {
            return patterns ? pattern_matches(entry.filter, actor, asked) : asked.is_within(entry.filter);
          });
  return best;
}

const char* AccessMosquitto::danger(const broker::Actor& actor) const {
  if (patterns_.rules.empty()) return nullptr;
  if (is_dangerous(actor.username)) return dangerous_user_name_;
  return is_dangerous(actor.client_id) ? dangerous_client_name_ : nullptr;
}

AccessOpinion AccessMosquitto::without_rule(Action action) const {
  if (action == Action::receive && lenient_subscribe_) return {AccessOpinion::Kind::deny, nothing_name_};
  return {};
}

AccessOpinion AccessMosquitto::check(const broker::Actor& actor, const AccessQuestion& question) {
  if (question.action == Action::subscribe && lenient_subscribe_) {
    return {AccessOpinion::Kind::allow, subscribe_name_};
  }
  const AskedTopic asked(question.topic, question.action == Action::subscribe);
  if (const List* own = own_list(actor)) {
    const std::uint32_t number = find(*own, actor, asked, question.action);
    if (number != AccessFilterIndex::kNone) return opinion_of(own->rules[number], own->names[number]);
  }
  if (const char* why = danger(actor)) return {AccessOpinion::Kind::deny, why};
  const std::uint32_t number = find(patterns_, actor, asked, question.action);
  if (number != AccessFilterIndex::kNone) return opinion_of(patterns_.rules[number], patterns_.names[number]);
  return without_rule(question.action);
}

Explanation AccessMosquitto::explain(const broker::Actor& actor, const AccessQuestion& question) {
  Explanation explanation;
  if (question.action == Action::subscribe && lenient_subscribe_) {
    explanation.opinion = {AccessOpinion::Kind::allow, subscribe_name_};
    return explanation;
  }
  const AskedTopic asked(question.topic, question.action == Action::subscribe);
  // True if a rule of the list decides.
  const auto walk = [&](const List& list, bool patterns) {
    for (std::size_t i = 0; i < list.rules.size(); ++i) {
      const MosquittoAcl::Rule& rule = list.rules[i];
      const bool about = is_about(rule, question.action);
      const bool matches = patterns ? pattern_matches(rule.filter, actor, asked) : asked.is_within(rule.filter);
      if (about && matches) {
        explanation.opinion = opinion_of(rule, list.names[i]);
        explanation.text = describe(rule, patterns);
        return true;
      }
      explanation.passed.push_back(
          {list.names[i], describe(rule, patterns), about ? "is about other topics" : "is about other actions"});
    }
    return false;
  };
  if (const List* own = own_list(actor); own && walk(*own, false)) return explanation;
  if (const char* why = danger(actor)) {
    explanation.opinion = {AccessOpinion::Kind::deny, why};
  } else if (!walk(patterns_, true)) {
    explanation.opinion = without_rule(question.action);
  }
  return explanation;
}

}  // namespace martlet::auth
