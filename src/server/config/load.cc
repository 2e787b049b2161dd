#include "server/config/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

#include "base/nearest.h"
#include "server/config/name_hint.h"
#include "server/config/option_table.h"
#include "server/config/toml_reader.h"

namespace martlet::server {
namespace {

// Bounds for a file that is none of ours: checks compare tables with each other, and unknown names with all known ones.
constexpr std::size_t kMostTables = 1'000;
constexpr std::size_t kMostErrors = 100;

// Who sets something.
struct Source {
  std::string place;      // "broker.toml:7"
  std::string directory;  // that relative paths are taken from, with its slash; empty: they stay as they are
};

// Whether options begin with `name` and a dot: an empty table of that name is no mistake.
template <class Config>
bool is_section(std::span<const Option<Config>> options, std::string_view name) {
  return std::any_of(options.begin(), options.end(), [&](const auto& option) {
    return option.facts.name.starts_with(name) && option.facts.name.substr(name.size()).starts_with('.');
  });
}

void make_absolute(std::string& path, TextForm form, const std::string& directory) {
  const bool url = form == TextForm::path_or_url && path.find("://") != std::string::npos;
  if (url || path.empty() || path.starts_with('/') || path == kNoControl) return;
  path.insert(0, directory);
}

template <class Config>
void resolve_paths(Config& config, const Option<Config>& option, const std::string& directory) {
  const TextForm form = option.facts.form;
  if (form != TextForm::path && form != TextForm::path_or_url) return;
  if (option.text) return make_absolute(option.text(config), form, directory);
  for (std::string& path : option.list(config)) make_absolute(path, form, directory);
}

// What was written, for an error; nothing of what may be a password.
std::string shown(const OptionFacts& facts, const WrittenValue& value) {
  using Type = WrittenValue::Type;
  if (value.type == Type::other || value.type == Type::list) return " is " + value.text;
  if (may_hold_secret(facts)) return "";
  return " = " + value.text;
}

// `array`: the array of tables that it is a key of; empty: none.
template <class Config>
Result<void> assign(Config& config, std::span<const Option<Config>> options, std::string_view name,
                    const WrittenValue& value, const Source& source, std::string_view array = {}) {
  const Option<Config>* option = find_option(options, name);
  if (!option) {
    const std::string where = array.empty() ? "" : fmt::format(" in [[{}]]", array);
    return fail(fmt::format("unknown option \"{}\"{}{}", name, where, option_hint(name, option_names(options))));
  }
  if (const auto applied = option->apply(config, value); !applied) {
    return fail(fmt::format("option \"{}\"{}: {}", name, shown(option->facts, value), applied.error().message));
  }
  resolve_paths(config, *option, source.directory);
  return {};
}

bool is_empty_table(const WrittenValue& value) {
  return value.type == WrittenValue::Type::other && value.text == "a table";
}

// An entry of an array of tables: its heading adds a table to `tables`, a key sets something of it.
template <class Config>
Result<void> apply_to_table(std::vector<Config>& tables, std::span<const Option<Config>> options,
                            const TomlEntry& entry, const Source& source) {
  if (entry.table >= kMostTables) {
    // Only the first heading that is too much is reported.
    if (entry.table > kMostTables || !entry.name.empty()) return {};
    return fail(fmt::format("there are more than {} tables [[{}]]", kMostTables, entry.array));
  }
  if (tables.size() <= entry.table) tables.resize(entry.table + 1);
  if (entry.name.empty()) return {};
  if (is_empty_table(entry.value) && is_section(options, entry.name)) return {};
  return assign(tables[entry.table], options, entry.name, entry.value, source, entry.array);
}

// The array that `name` is, or is a key of, although it is written as a table.
std::string_view array_of(std::string_view name) {
  const auto found = std::find(kOptionArrays.begin(), kOptionArrays.end(), name.substr(0, name.find('.')));
  return found == kOptionArrays.end() || (name.size() > found->size() && !name.substr(found->size()).starts_with('.'))
             ? std::string_view()
             : *found;
}

Result<void> apply_array_entry(ServerConfig& config, const TomlEntry& entry, const Source& source) {
  if (entry.array == "listener") return apply_to_table(config.listeners, listener_options(), entry, source);
  if (entry.array == "durability") {
    return apply_to_table(config.broker.durability.rules, durability_options(), entry, source);
  }
  if (entry.array == "authentication") {
    return apply_to_table(config.auth.providers, provider_options(), entry, source);
  }
  if (entry.array == "authorization") return apply_to_table(config.auth.access, access_options(), entry, source);
  // Only its headings are reported: what is inside is as unknown.
  if (!entry.name.empty()) return {};
  if (entry.array == "rule") {
    return fail("[[rule]] is not for this file: rules stand in a file of their own, the path of an [[authorization]]");
  }
  return fail(fmt::format("unknown array of tables [[{}]]; there are [[{}]]{}", entry.array,
                          fmt::join(kOptionArrays, "]], [["), suggestion(entry.array, kOptionArrays)));
}

// The table that an entry outside arrays is in; empty: none.
std::string_view section_of(const TomlEntry& entry) {
  const std::string_view name = entry.name;
  if (!entry.array.empty()) return {};
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return is_empty_table(entry.value) ? name : std::string_view();
  return name.substr(0, dot);
}

Result<void> apply_entry(ServerConfig& config, const TomlEntry& entry, const Source& source) {
  if (!entry.array.empty()) return apply_array_entry(config, entry, source);
  if (const std::string_view array = array_of(entry.name); !array.empty()) {
    return fail(fmt::format("write it as [[{}]], with two brackets, and its keys below", array));
  }
  if (is_empty_table(entry.value) && is_section(server_options(), entry.name)) return {};
  const std::string_view section = section_of(entry);
  if (!section.empty() && !is_section_or_array(section)) {
    return fail(fmt::format("unknown table [{}]{}", section, section_hint(section)));
  }
  return assign(config, server_options(), entry.name, entry.value, source);
}

// The name under which an entry's place is remembered.
std::string place_key(const TomlEntry& entry) {
  if (entry.array.empty()) return entry.name;
  return fmt::format("{}[{}]{}{}", entry.array, entry.table, entry.name.empty() ? "" : ".", entry.name);
}

void clear_arrays(ServerConfig& config) {
  config.listeners.clear();
  config.broker.durability.rules.clear();
  config.auth.providers.clear();
  config.auth.access.clear();
  config.places.clear();
}

}  // namespace

ConfigErrors apply_toml(ServerConfig& config, std::string_view text, std::string_view file_name) {
  const auto entries = read_toml(text, file_name);
  if (!entries) return {entries.error().message};
  ConfigErrors errors;
  clear_arrays(config);
  std::set<std::string> unknown_sections;
  const std::string directory(file_name.substr(0, file_name.rfind('/') + 1));
  for (const TomlEntry& entry : *entries) {
    const Source source{fmt::format("{}:{}", file_name, entry.line), directory};
    const auto applied = apply_entry(config, entry, source);
    if (!applied) {
      // Of a table that does not exist the first key is enough.
      const std::string section(section_of(entry));
      const bool known = section.empty() || is_section_or_array(section);
      if (!known && !unknown_sections.insert(section).second) continue;
      errors.push_back(fmt::format("{}: {}", source.place, applied.error().message));
    }
    if (errors.size() >= kMostErrors) {
      errors.push_back(fmt::format("{}: what comes behind this is not looked at", source.place));
      break;
    }
    config.places.insert_or_assign(place_key(entry), source.place);
  }
  return errors;
}

ConfigErrors apply_environment(ServerConfig& config, const EnvironmentVariables& variables) {
  std::vector<std::string> known;
  for (const auto& option : server_options()) known.push_back(environment_name(option.facts.name));
  std::vector<std::string_view> names(known.begin(), known.end());
  names.push_back(kConfigVariable);
  ConfigErrors errors;
  for (const auto& [name, value] : variables) {
    if (name == kConfigVariable) continue;
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end()) {
      errors.push_back(fmt::format("the environment's variable {} names no option{}", name, suggestion(name, names)));
      continue;
    }
    const auto& option = server_options()[static_cast<std::size_t>(found - known.begin())];
    const Source source{"$" + name, {}};
    const auto assigned =
        assign(config, server_options(), option.facts.name, {WrittenValue::Type::untyped, value}, source);
    if (!assigned) errors.push_back(fmt::format("{}: {}", source.place, assigned.error().message));
    config.places.insert_or_assign(std::string(option.facts.name), source.place);
  }
  return errors;
}

Result<void> apply_assignment(ServerConfig& config, std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos) {
    return fail(fmt::format("--set {}: write --set section.key=value", assignment));
  }
  const std::string_view name = assignment.substr(0, equals);
  const WrittenValue value{WrittenValue::Type::untyped, std::string(assignment.substr(equals + 1))};
  const auto assigned = assign(config, server_options(), name, value, {"--set", {}});
  if (!assigned) return fail(fmt::format("--set: {}", assigned.error().message));
  config.places.insert_or_assign(std::string(name), "--set");
  return {};
}

std::string environment_name(std::string_view option) {
  std::string name(kEnvironmentPrefix);
  for (const char c : option) {
    const bool small = c >= 'a' && c <= 'z';
    name += c == '.' ? '_' : small ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

}  // namespace martlet::server
