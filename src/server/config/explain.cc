#include "server/config/explain.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/printable.h"
#include "server/config/load.h"
#include "server/config/name_hint.h"

namespace martlet::server {
namespace {

// A value of the option as the file has it.
std::string toml_text(const OptionFacts& facts, const std::string& value) {
  switch (facts.kind) {
    case OptionKind::boolean:
    case OptionKind::integer:
      return value;
    case OptionKind::choice:
      return std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; })
                 ? value
                 : fmt::format("\"{}\"", value);
    default:
      return fmt::format("\"{}\"", value);
  }
}

template <class Config>
std::string example_of(const Option<Config>& option) {
  const OptionFacts& facts = option.facts;
  if (!facts.example.empty()) return std::string(facts.example);
  const std::string value = option.value_text(Config{});
  if (!value.empty()) return toml_text(facts, value);
  return toml_text(facts, number_text(facts, facts.kind == OptionKind::boolean ? 1 : facts.max));
}

// What is known of one option, under the names of the JSON object.
struct Explanation {
  std::string name;
  std::string description;
  std::string permitted;
  std::string value;        // the default; empty: unset
  std::string only_with;    // kinds; empty: all
  std::string environment;  // the variable; empty: none
  std::string table;        // "[limits]" or "[[listener]]"
  std::vector<std::string> examples;
  bool live = false;

  std::string text() const {
    std::string out = fmt::format("{}\n  {}\n", name, description);
    const auto add = [&](std::string_view label, std::string_view text) {
      fmt::format_to(std::back_inserter(out), "  {:<13}{}\n", label, text);
    };
    add("permitted:", permitted);
    add("default:", value.empty() ? "unset" : value);
    if (!only_with.empty()) add("only with:", only_with);
    add("run time:", live ? "a reload changes it" : "only a restart changes it");
    if (!environment.empty()) add("environment:", environment);
    add("example:", table);
    for (const std::string& example : examples) add("", example);
    return out;
  }

  std::string json() const {
    std::string out = "{";
    const auto add = [&](std::string_view key, std::string_view value_text) {
      fmt::format_to(std::back_inserter(out), "{}\"{}\":\"", out.size() == 1 ? "" : ",", key);
      append_json_string(out, value_text, kAllChars);
      out += '"';
    };
    add("name", name);
    add("description", description);
    add("permitted", permitted);
    add("default", value);
    add("only_with", only_with);
    add("environment", environment);
    add("example", examples.front());
    return out + fmt::format(",\"live\":{}}}", live);
  }
};

// `array`: that the option's table belongs to; empty: none.
template <class Config>
Explanation explain(std::string_view array, std::span<const Option<Config>> options, const Option<Config>& option) {
  const OptionFacts& facts = option.facts;
  Explanation made;
  made.name = fmt::format("{}{}{}", array, array.empty() ? "" : ".", facts.name);
  made.description = facts.description;
  made.permitted = permitted_values(facts);
  made.value = option.value_text(Config{});
  made.only_with = kinds_text(options, facts);
  made.live = facts.live;
  std::string_view key = facts.name;
  if (array.empty()) {
    made.environment = environment_name(facts.name);
    made.table = fmt::format("[{}]", facts.name.substr(0, facts.name.find('.')));
    key = facts.name.substr(facts.name.find('.') + 1);
  } else {
    made.table = fmt::format("[[{}]]", array);
  }
  for (const std::string_view example : facts.kind_examples) {
    if (!example.empty()) made.examples.push_back(fmt::format("{} = {}", key, example));
  }
  if (made.examples.empty()) made.examples.push_back(fmt::format("{} = {}", key, example_of(option)));
  return made;
}

// The first sentence of a description is enough in a list.
std::string_view first_sentence(std::string_view text) {
  const std::size_t end = text.find(". ");
  return end == std::string_view::npos ? text : text.substr(0, end + 1);
}

// Collects what a name may mean, over all tables.
class Search {
 public:
  explicit Search(std::string_view wanted) : wanted_(wanted) {
    in("", server_options());
    in("listener", listener_options());
    in("authentication", provider_options());
    in("authorization", access_options());
    in("durability", durability_options());
  }

  // One option; or those of the section of that name, which are several or have a longer name. An Error if none.
  Result<std::vector<Explanation>> result() {
    if (found_) return std::vector{std::move(*found_)};
    if (!section_.empty()) return std::move(section_);
    const std::vector<std::string_view> names(names_.begin(), names_.end());
    // A name without a dot is rather that of a section.
    std::string hint = wanted_.find('.') == std::string_view::npos ? section_hint(wanted_) : std::string();
    if (hint.empty()) hint = option_hint(wanted_, names);
    return fail(fmt::format("unknown option \"{}\"{}", wanted_, hint));
  }

 private:
  template <class Config>
  void in(std::string_view array, std::span<const Option<Config>> options) {
    for (const Option<Config>& option : options) {
      std::string full = fmt::format("{}{}{}", array, array.empty() ? "" : ".", option.facts.name);
      if (full == wanted_) found_ = explain(array, options, option);
      if (full.starts_with(wanted_) && full.substr(wanted_.size()).starts_with('.')) {
        section_.push_back(explain(array, options, option));
      }
      names_.push_back(std::move(full));
    }
  }

  std::string_view wanted_;
  std::optional<Explanation> found_;
  std::vector<Explanation> section_;
  std::vector<std::string> names_;
};

}  // namespace

Result<std::string> explain_option(std::string_view name) {
  const auto found = Search(name).result();
  if (!found) return tl::unexpected(found.error());
  if (found->front().name == name) return found->front().text();
  std::string out = fmt::format("{}\n", name);
  for (const Explanation& one : *found) {
    fmt::format_to(std::back_inserter(out), "  {:<36} {}\n", one.name, first_sentence(one.description));
  }
  return out;
}

Result<std::string> explain_option_json(std::string_view name) {
  const auto found = Search(name).result();
  if (!found) return tl::unexpected(found.error());
  if (found->front().name == name) return found->front().json() + "\n";
  std::string out = "[";
  for (const Explanation& one : *found) out += (out.size() == 1 ? "" : ",") + one.json();
  return out + "]\n";
}

}  // namespace martlet::server
