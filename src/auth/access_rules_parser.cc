#include "auth/access_rules_parser.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "auth/access_placeholders.h"
#include "base/nearest.h"
#include "base/printable.h"
#include "base/toml_text.h"
#include "topic/filter.h"

namespace martlet::auth {
namespace {

constexpr std::string_view kRuleKeys[] = {"effect",      "user",     "group",     "client",  "address",
                                          "certificate", "listener", "anonymous", "publish", "subscribe",
                                          "receive",     "all",      "qos",       "retain"};
constexpr std::string_view kFileKeys[] = {"rule", "groups"};

// That are told of one file.
constexpr std::size_t kMostErrors = 20;

std::size_t line_of(const toml::node& node) {
  return node.source().begin.line;
}

class Parser {
 public:
  explicit Parser(std::string_view file_name) : file_name_(file_name) {}

  Result<AccessRuleFile> read(const toml::table& table) {
    for (const auto& [key, node] : table) {
      if (key.str() == "rule") {
        add_rules(node);
      } else if (key.str() == "groups") {
        add_groups(node);
      } else {
        unknown(key, "key", kFileKeys);
      }
    }
    if (errors_ == 0) return std::move(file_);
    std::vector<std::string> lines;
    for (const auto& [line, what] : kept_errors_) lines.push_back(fmt::format("{}:{}: {}", file_name_, line, what));
    std::string message = fmt::format("{}", fmt::join(lines, "\n"));
    if (errors_ > kept_errors_.size()) message += fmt::format(" (and {} more)", errors_ - kept_errors_.size());
    return fail(std::move(message));
  }

 private:
  void error(std::size_t line, std::string what) {
    ++errors_;
    kept_errors_.emplace(line, std::move(what));
    if (kept_errors_.size() > kMostErrors) kept_errors_.erase(std::prev(kept_errors_.end()));
  }

  void unknown(const toml::key& key, std::string_view what, std::span<const std::string_view> known) {
    error(key.source().begin.line,
          fmt::format("unknown {} \"{}\"{}", what, printable(key.str()), suggestion(key.str(), known)));
  }

  void add_groups(const toml::node& node) {
    const auto* table = node.as_table();
    if (!table) return error(line_of(node), "groups is a table: [groups], and in it NAME = [\"USER\", ...]");
    for (const auto& [name, users] : *table) {
      if (name.str().empty()) error(line_of(users), "a group needs a name");
      file_.groups[std::string(name.str())] = texts(users, fmt::format("the group \"{}\"", printable(name.str())));
    }
  }

  void add_rules(const toml::node& node) {
    const auto* array = node.as_array();
    if (!array) return error(line_of(node), "write [[rule]], with two brackets, for each rule");
    for (const auto& element : *array) {
      if (file_.rules.size() == kMaxAccessRules) {
        return error(line_of(element), fmt::format("more than {} rules", kMaxAccessRules));
      }
      const auto* table = element.as_table();
      if (!table) return error(line_of(element), "write [[rule]], with two brackets, for each rule");
      add_rule(*table, line_of(element));
    }
  }

  void add_rule(const toml::table& table, std::size_t line) {
    AccessRule rule;
    rule.line = line;
    const std::size_t errors_before = errors_;
    for (const auto& [key, node] : table) set(rule, key, node);
    // A misspelt key is not missing, too.
    if (errors_ != errors_before) return;
    if (!table.contains("effect")) error(line, "a rule needs effect = \"allow\" or effect = \"deny\"");
    if (!(table.contains("publish") || table.contains("subscribe") || table.contains("receive") ||
          table.contains("all"))) {
      error(line, "a rule needs publish, subscribe, receive or all, with topic filters");
    }
    check_conditions(rule, table, line);
    describe(rule, table);
    file_.rules.push_back(std::move(rule));
  }

  void set(AccessRule& rule, const toml::key& key, const toml::node& node) {
    const std::string_view name = key.str();
    if (name == "effect") return set_effect(rule, node);
    if (name == "user") return set_names(rule.users, name, node);
    if (name == "group") return set_names(rule.groups, name, node);
    if (name == "client") return set_names(rule.clients, name, node);
    if (name == "certificate") return set_names(rule.certificates, name, node);
    if (name == "listener") return set_names(rule.listeners, name, node);
    if (name == "address") return set_addresses(rule, node);
    if (name == "anonymous") return set_flag(rule.anonymous, name, node);
    if (name == "retain") return set_flag(rule.retain, name, node);
    if (name == "qos") return set_qos(rule, node);
    if (name == "publish") return add_filters({&rule.publish}, name, node);
    if (name == "subscribe") return add_filters({&rule.subscribe}, name, node);
    if (name == "receive") return add_filters({&rule.receive}, name, node);
    if (name == "all") return add_filters({&rule.publish, &rule.subscribe, &rule.receive}, name, node);
    unknown(key, "key", kRuleKeys);
  }

  void set_effect(AccessRule& rule, const toml::node& node) {
    const auto* text = node.as_string();
    if (!text || (text->get() != "allow" && text->get() != "deny")) {
      return error(line_of(node), "effect is \"allow\" or \"deny\"");
    }
    rule.allow = text->get() == "allow";
  }

  // A text or a list of texts; none of them empty.
  std::vector<std::string> texts(const toml::node& node, std::string_view name) {
    std::vector<std::string> found;
    const auto add = [&](const toml::node& one) {
      const auto* text = one.as_string();
      if (!text) return error(line_of(one), fmt::format("{} is a text or a list of texts", name));
      if (text->get().empty()) return error(line_of(one), fmt::format("{} has an empty text", name));
      found.push_back(text->get());
    };
    const auto* list = node.as_array();
    if (!list) {
      add(node);
      return found;
    }
    for (const auto& one : *list) add(one);
    if (list->empty()) error(line_of(node), fmt::format("{} is an empty list", name));
    return found;
  }

  void set_names(std::vector<std::string>& names, std::string_view name, const toml::node& node) {
    names = texts(node, name);
  }

  void set_addresses(AccessRule& rule, const toml::node& node) {
    for (const std::string& text : texts(node, "address")) {
      const auto range = parse_network_range(text);
      if (range) {
        rule.addresses.push_back(*range);
      } else {
        error(line_of(node), range.error().message);
      }
    }
  }

  void set_flag(std::optional<bool>& flag, std::string_view name, const toml::node& node) {
    const auto* value = node.as_boolean();
    if (!value) return error(line_of(node), fmt::format("{} is true or false", name));
    flag = value->get();
  }

  void set_qos(AccessRule& rule, const toml::node& node) {
    const auto level = [](const toml::node& one) -> int {
      const auto* number = one.as_integer();
      return number && number->get() >= 0 && number->get() <= 2 ? static_cast<int>(number->get()) : -1;
    };
    const auto* list = node.as_array();
    rule.qos = 0;
    if (!list && level(node) >= 0) rule.qos = static_cast<std::uint8_t>((2u << level(node)) - 1);
    if (list) {
      for (const auto& one : *list) {
        if (level(one) < 0) return error(line_of(one), "qos has a level that is not 0, 1 or 2");
        rule.qos = static_cast<std::uint8_t>(rule.qos | 1u << level(one));
      }
    }
    if (rule.qos == 0) error(line_of(node), "qos is the highest level (0, 1 or 2), or a list of levels");
  }

  void add_filters(std::initializer_list<std::vector<std::string>*> lists, std::string_view name,
                   const toml::node& node) {
    for (const std::string& filter : texts(node, name)) {
      const topic::Validity validity = topic::check_filter(filter);
      if (validity != topic::Validity::ok) {
        error(line_of(node),
              fmt::format("{}: bad topic filter \"{}\": {}", name, printable(filter), to_text(validity)));
      }
      if (filter.starts_with("$share/")) {
        error(line_of(node), fmt::format("{}: rules are about the filter behind \"$share/GROUP/\"", name));
      }
      if (const auto placeholder = unknown_placeholder(filter); !placeholder.empty()) {
        error(line_of(node), fmt::format("{}: unknown placeholder \"{}\" in \"{}\": there are %u, %c, %g, and %% for a "
                                         "percent sign",
                                         name, printable(placeholder), printable(filter)));
      }
      for (auto* list : lists) list->push_back(filter);
    }
  }

  void check_conditions(const AccessRule& rule, const toml::table& table, std::size_t line) {
    if (table.contains("qos") && !rule.receive.empty()) {
      error(line, "qos is about publish and subscribe: give receive a rule of its own");
    }
    if (rule.retain && !(rule.subscribe.empty() && rule.receive.empty())) {
      error(line, "retain is about publish: give subscribe and receive a rule of their own");
    }
    if (rule.anonymous == true && !(rule.users.empty() && rule.groups.empty())) {
      error(line, "an anonymous client has no user name and no group: this rule is for nobody");
    }
  }

  static void describe(AccessRule& rule, const toml::table& table) {
    rule.text = rule.allow ? "allow" : "deny";
    for (const std::string_view name : kRuleKeys) {
      const auto* node = table.get(name);
      if (!node || name == "effect") continue;
      std::vector<std::string> values;
      const auto add = [&](const toml::node& one) {
        if (const auto* text = one.as_string()) values.push_back(fmt::format("\"{}\"", printable(text->get())));
        if (const auto* number = one.as_integer()) values.push_back(fmt::format("{}", number->get()));
        if (const auto* flag = one.as_boolean()) values.push_back(fmt::format("{}", flag->get()));
      };
      if (const auto* list = node->as_array()) {
        for (const auto& one : *list) add(one);
        rule.text += fmt::format(" {}=[{}]", name, fmt::join(values, ", "));
      } else {
        add(*node);
        rule.text += fmt::format(" {}={}", name, fmt::join(values, ""));
      }
    }
  }

  std::string_view file_name_;
  AccessRuleFile file_;
  std::size_t errors_ = 0;
  std::multimap<std::size_t, std::string> kept_errors_;  // the first ones of the file, by line
};

}  // namespace

Result<AccessRuleFile> parse_access_rules(std::string_view text, std::string_view file_name) {
  if (const auto checked = check_toml_text(text, file_name); !checked) return tl::unexpected(checked.error());
  const toml::parse_result parsed =
      parse_toml_text(text, [](std::string_view checked_text) { return toml::parse(checked_text); });
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return tl::unexpected(toml_fault(file_name, error.source().begin.line, error.description()));
  }
  return Parser(file_name).read(parsed.table());
}

}  // namespace martlet::auth
