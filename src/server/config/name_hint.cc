#include "server/config/name_hint.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/nearest.h"
#include "server/config/option_table.h"

namespace martlet::server {
namespace {

constexpr std::size_t kMostHints = 3;

std::string_view last_part(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

// Without the arrays' names.
std::vector<std::string_view> sections() {
  std::vector<std::string_view> sections;
  for (const auto& option : server_options()) {
    const std::string_view section = option.facts.name.substr(0, option.facts.name.find('.'));
    if (sections.empty() || sections.back() != section) sections.push_back(section);
  }
  return sections;
}

bool is_array(std::string_view name) {
  return std::find(kOptionArrays.begin(), kOptionArrays.end(), name) != kOptionArrays.end();
}

}  // namespace

std::string option_hint(std::string_view given, std::span<const std::string_view> names) {
  if (std::string hint = suggestion(given, names); !hint.empty()) return hint;
  std::vector<std::string_view> last_parts;
  for (const std::string_view name : names) last_parts.push_back(last_part(name));
  const std::string_view near = nearest_name(last_part(given), last_parts);
  if (near.empty()) return {};
  std::string hint;
  std::size_t count = 0;
  for (const std::string_view name : names) {
    if (last_part(name) != near || count++ == kMostHints) continue;
    fmt::format_to(std::back_inserter(hint), "{}\"{}\"", hint.empty() ? ": did you mean " : " or ", name);
  }
  return hint + "?";
}

bool is_section_or_array(std::string_view section) {
  const auto known = sections();
  return is_array(section) || std::find(known.begin(), known.end(), section) != known.end();
}

std::string section_hint(std::string_view given) {
  auto names = sections();
  names.insert(names.end(), kOptionArrays.begin(), kOptionArrays.end());
  const std::string_view near = nearest_name(given, names);
  if (near.empty()) return {};
  return is_array(near) ? fmt::format(": did you mean [[{}]]?", near) : fmt::format(": did you mean [{}]?", near);
}

}  // namespace martlet::server
