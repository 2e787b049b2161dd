#include "auth/acl_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/printable.h"
#include "topic/filter.h"
#include "wire/text.h"

namespace martlet::auth {
namespace {

using nlohmann::json;
using Rule = ClientGrants::Rule;
using Rules = std::vector<Rule>;

constexpr std::string_view kLiteral = "eq ";

// With Martlet's placeholders for EMQX's.
Result<std::string> read_placeholders(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kKnown{
      {{"${username}", "%u"}, {"${clientid}", "%c"}}};
  std::string out;
  while (!text.empty()) {
    const std::size_t at = text.find("${");
    out += text.substr(0, at);
    if (at == std::string_view::npos) break;
    text.remove_prefix(at);
    const auto* known =
        std::find_if(kKnown.begin(), kKnown.end(), [&](const auto& k) { return text.starts_with(k.first); });
    if (known == kKnown.end()) return fail(fmt::format("knows no placeholder \"{}\"", printable(text, 32)));
    out += known->second;
    text.remove_prefix(known->first.size());
  }
  return out;
}

Result<std::string> read_filter(const json& value) {
  if (!value.is_string()) return fail("has a topic that is no text");
  std::string_view text = value.get_ref<const std::string&>();
  if (text.starts_with(kLiteral)) {
    text.remove_prefix(kLiteral.size());
    if (wire::has_wildcard(as_bytes(text)))
      return fail("has \"eq\" before a filter with wildcards, which is not supported");
  }
  auto filter = read_placeholders(text);
  if (!filter) return filter;
  if (!wire::valid_text(*filter)) return fail("has a topic that is not UTF-8");
  if (const topic::Validity validity = topic::check_filter(*filter); validity != topic::Validity::ok)
    return fail(fmt::format("has a bad topic filter: {}", topic::to_text(validity)));
  return filter;
}

Result<bool> read_permission(const json& rule) {
  const auto found = rule.find("permission");
  if (found != rule.end() && *found == "allow") return true;
  if (found != rule.end() && *found == "deny") return false;
  return fail("needs \"permission\": \"allow\" or \"deny\"");
}

Result<void> read_action(const json& object, Rule& rule) {
  const auto found = object.find("action");
  const bool all = found != object.end() && *found == "all";
  rule.publish = all || (found != object.end() && *found == "publish");
  rule.subscribe = all || (found != object.end() && *found == "subscribe");
  if (!rule.publish && !rule.subscribe) return fail("needs \"action\": \"publish\", \"subscribe\" or \"all\"");
  return {};
}

Result<Rule> read_rule(const json& object) {
  if (!object.is_object()) return fail("is no object");
  for (const auto& item : object.items()) {
    const std::string& name = item.key();
    if (name != "permission" && name != "action" && name != "topic")
      return fail(fmt::format("has \"{}\", which is not supported", printable(name, 32)));
  }
  Rule rule;
  const auto permission = read_permission(object);
  if (!permission) return tl::unexpected(permission.error());
  rule.allow = *permission;
  if (auto action = read_action(object, rule); !action) return tl::unexpected(action.error());
  const auto found = object.find("topic");
  if (found == object.end()) return fail("needs a \"topic\"");
  auto filter = read_filter(*found);
  if (!filter) return tl::unexpected(filter.error());
  rule.filter = std::move(*filter);
  return rule;
}

Result<Rules> read_list(const json& list) {
  Rules rules;
  for (const json& item : list) {
    auto rule = read_rule(item);
    if (!rule) return fail(fmt::format("acl rule {} {}", rules.size() + 1, rule.error().message));
    rules.push_back(std::move(*rule));
    if (rules.size() > kMaxAclRules) return fail(fmt::format("acl has more than {} rules", kMaxAclRules));
  }
  return rules;
}

// {"pub": [...], "sub": [...], "all": [...]}
Result<Rules> read_lists(const json& lists) {
  Rules rules;
  for (const auto& item : lists.items()) {
    const std::string& name = item.key();
    const bool all = name == "all";
    if (!all && name != "pub" && name != "sub")
      return fail(fmt::format("acl has \"{}\"; it may have pub, sub and all", printable(name, 32)));
    if (!item.value().is_array()) return fail(fmt::format("acl \"{}\" is no list", name));
    for (const json& topic : item.value()) {
      auto filter = read_filter(topic);
      if (!filter) return fail(fmt::format("acl \"{}\" {}", name, filter.error().message));
      rules.push_back({true, all || name == "pub", all || name == "sub", std::move(*filter)});
      if (rules.size() > kMaxAclRules) return fail(fmt::format("acl has more than {} rules", kMaxAclRules));
    }
  }
  return rules;
}

}  // namespace

Result<void> parse_acl_rules(const json& acl, ClientGrants& grants) {
  if (!acl.is_array() && !acl.is_object()) return fail("acl is neither a list nor an object");
  auto rules = acl.is_array() ? read_list(acl) : read_lists(acl);
  if (!rules) return tl::unexpected(rules.error());
  if (grants.rules.size() + rules->size() > kMaxAclRules)
    return fail(fmt::format("acl has more than {} rules", kMaxAclRules));
  std::move(rules->begin(), rules->end(), std::back_inserter(grants.rules));
  grants.has_rules = true;
  return {};
}

}  // namespace martlet::auth
