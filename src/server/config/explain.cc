#include "server/config/explain.h"

#include <algorithm>
#include <iterator>

#include "base/nearest.h"
#include "server/config/load.h"

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

// `array`: that the option's table belongs to; empty: none.
template <class Config>
std::string explain(std::string_view array, std::span<const Option<Config>> options, const Option<Config>& option) {
  const OptionFacts& facts = option.facts;
  std::string out = fmt::format("{}{}{}\n  {}\n", array, array.empty() ? "" : ".", facts.name, facts.description);
  const auto add = [&](std::string_view label, std::string_view text) {
    fmt::format_to(std::back_inserter(out), "  {:<13}{}\n", label, text);
  };
  const std::string value = option.value_text(Config{});
  add("permitted:", permitted_values(facts));
  add("default:", value.empty() ? "unset" : value);
  if (const std::string kinds = kinds_text(options, facts); !kinds.empty()) add("only with:", kinds);
  add("run time:", facts.live ? "a reload changes it" : "only a restart changes it");
  if (array.empty()) {
    const std::string_view key = facts.name.substr(facts.name.find('.') + 1);
    const std::string_view section = facts.name.substr(0, facts.name.find('.'));
    add("environment:", environment_name(facts.name));
    add("example:", fmt::format("[{}]", section));
    add("", fmt::format("{} = {}", key, example_of(option)));
  } else {
    add("example:", fmt::format("[[{}]]", array));
    add("", fmt::format("{} = {}", facts.name, example_of(option)));
  }
  return out;
}

// The first sentence of a description is enough in a list.
std::string_view first_sentence(std::string_view text) {
  const std::size_t end = text.find(". ");
  return end == std::string_view::npos ? text : text.substr(0, end + 1);
}

// Collects what a name may mean, over all tables.
class Search {
 public:
  explicit Search(std::string_view wanted) : wanted_(wanted) {}

  template <class Config>
  void in(std::string_view array, std::span<const Option<Config>> options) {
    for (const Option<Config>& option : options) {
      std::string full = fmt::format("{}{}{}", array, array.empty() ? "" : ".", option.facts.name);
      if (full == wanted_) found = explain(array, options, option);
      if (full.starts_with(wanted_) && full.substr(wanted_.size()).starts_with('.')) {
        fmt::format_to(std::back_inserter(section), "  {:<36} {}\n", full, first_sentence(option.facts.description));
      }
      names_.push_back(std::move(full));
    }
  }

  std::string nearest() const {
    const std::vector<std::string_view> names(names_.begin(), names_.end());
    return suggestion(wanted_, names);
  }

  std::string found;
  std::string section;

 private:
  std::string_view wanted_;
  std::vector<std::string> names_;
};

}  // namespace

Result<std::string> explain_option(std::string_view name) {
  Search search(name);
  search.in("", server_options());
  search.in("listener", listener_options());
  search.in("authentication", provider_options());
  search.in("authorization", access_options());
  search.in("durability", durability_options());
  if (!search.found.empty()) return search.found;
  if (!search.section.empty()) return fmt::format("{}\n{}", name, search.section);
  return fail(fmt::format("unknown option \"{}\"{}", name, search.nearest()));
}

}  // namespace martlet::server
