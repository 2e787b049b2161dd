#include "auth/access_rule_match.h"

#include <algorithm>

namespace martlet::auth {
namespace {

bool any_matches(const std::vector<std::string>& globs, std::string_view text) {
  return std::ranges::any_of(globs, [text](const std::string& glob) { return glob_matches(glob, text); });
}

// An empty list asks for nothing; what a client does not have fits nothing, "*" neither.
bool misses(const std::vector<std::string>& globs, std::string_view text) {
  return !globs.empty() && (text.empty() || !any_matches(globs, text));
}

bool misses_group(const AccessRule& rule, const AccessAsker& asker) {
  if (rule.groups.empty()) return false;
  return !asker.any_group([&](std::string_view group) { return any_matches(rule.groups, group); });
}

bool misses_address(const AccessRule& rule, AccessAsker& asker) {
  if (rule.addresses.empty()) return false;
  const auto& address = asker.address();
  if (!address) return true;
  return std::ranges::none_of(rule.addresses, [&](const NetworkRange& range) { return range.contains(*address); });
}

bool groups_allow(const AccessRule& rule, std::string_view group) {
  return rule.groups.empty() || any_matches(rule.groups, group);
}

FilterMatch match_values(const AccessRule& rule, std::string_view filter, const PlaceholderValues& values,
                         const AskedTopic& asked) {
  FilterBuffer filled;
  const Filling filling = fill_placeholders(filter, values, filled);
  if (filling == Filling::missing) return {};
  if (filling == Filling::filled) return {asked.is_within(view_of(filled)), filling};
  if (widen_begun(filled) && !asked.is_within(view_of(filled))) return {};
  return {!rule.allow, filling};
}

}  // namespace

AccessAsker::AccessAsker(const broker::Actor& actor, const std::vector<std::string>* table_groups,
                         const std::vector<std::string>& listeners)
    : actor_(actor), granted_groups_(nullptr), table_groups_(table_groups), listeners_(listeners) {
  if (const ClientGrants* grants = grants_of(actor)) granted_groups_ = &grants->groups;
}

std::string_view AccessAsker::certificate() const {
  return actor_.peer ? std::string_view(actor_.peer->certificate_name) : std::string_view();
}

std::string_view AccessAsker::listener() const {
  return actor_.listener_index < listeners_.size() ? std::string_view(listeners_[actor_.listener_index])
                                                   : std::string_view();
}

const std::optional<NetworkAddress>& AccessAsker::address() {
  if (!address_known_) {
    const bool told = actor_.peer && !actor_.peer->address.empty();
    address_ = address_of_peer(told ? std::string_view(actor_.peer->address) : actor_.peer_address);
    address_known_ = true;
  }
  return address_;
}

std::string_view to_text(RuleMiss miss) {
  switch (miss) {
    case RuleMiss::none:
      return "fits";
    case RuleMiss::action:
      return "is about other actions";
    case RuleMiss::user:
      return "is for other users";
    case RuleMiss::anonymous:
      return "asks for the other kind of client, with or without a user name";
    case RuleMiss::client:
      return "is for other client ids";
    case RuleMiss::group:
      return "is for other groups";
    case RuleMiss::certificate:
      return "is for other certificates";
    case RuleMiss::address:
      return "is for other addresses";
    case RuleMiss::listener:
      return "is for other listeners";
    case RuleMiss::qos:
      return "is for other QoS levels";
    case RuleMiss::retain:
      return "asks for another RETAIN flag";
    case RuleMiss::topic:
      return "is about other topics";
  }
  return "";
}

RuleMiss find_miss(const AccessRule& rule, AccessAsker& asker, const AccessQuestion& question) {
  const auto filters = rule.filters(question.action);
  if (filters[0]->empty() && filters[1]->empty()) return RuleMiss::action;
  if (misses(rule.users, asker.user())) return RuleMiss::user;
  if (rule.anonymous && *rule.anonymous != asker.user().empty()) return RuleMiss::anonymous;
  if (misses(rule.clients, asker.client())) return RuleMiss::client;
  if (misses_group(rule, asker)) return RuleMiss::group;
  if (misses(rule.certificates, asker.certificate())) return RuleMiss::certificate;
  if (misses_address(rule, asker)) return RuleMiss::address;
  if (misses(rule.listeners, asker.listener())) return RuleMiss::listener;
  if (question.action == Action::receive) return RuleMiss::none;
  if ((rule.qos >> static_cast<unsigned>(question.qos) & 1u) == 0) return RuleMiss::qos;
  const bool asks_retain = question.action == Action::publish && rule.retain;
  return asks_retain && *rule.retain != question.retain ? RuleMiss::retain : RuleMiss::none;
}

bool may_match(std::string_view filter, const AskedTopic& asked) {
  const std::size_t placeholder = filter.find('%');
  return placeholder == std::string_view::npos ||
         asked.text().starts_with(filter.substr(0, std::min(placeholder, filter.find('+'))));
}

FilterMatch match_filter(const AccessRule& rule, std::string_view filter, const AskedTopic& asked,
                         const AccessAsker& asker) {
  if (!has_placeholder(filter)) return {asked.is_within(filter), Filling::filled};
  if (!may_match(filter, asked)) return {};
  PlaceholderValues values{asker.user(), asker.client(), {}};
  if (!has_group_placeholder(filter)) return match_values(rule, filter, values, asked);
  FilterMatch result;
  asker.any_group([&](std::string_view group) {
    if (!groups_allow(rule, group)) return false;
    values.group = group;
    const FilterMatch match = match_values(rule, filter, values, asked);
    if (match.matches || match.filling != Filling::filled) result = match;
    return match.matches;
  });
  return result;
}

bool meets_filter(const AccessRule& rule, std::string_view filter, std::string_view asked, const AccessAsker& asker) {
  const auto meets = [&](std::string_view group) {
    FilterBuffer filled;
    return fill_placeholders(filter, {asker.user(), asker.client(), group}, filled) == Filling::filled &&
           topic::overlap(view_of(filled), asked);
  };
  if (!has_group_placeholder(filter)) return meets({});
  return asker.any_group([&](std::string_view group) { return groups_allow(rule, group) && meets(group); });
}

}  // namespace martlet::auth
