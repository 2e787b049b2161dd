// What `martlet config explain` says.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/config/option_table.h"

namespace martlet::server {

// What there is to know about one option: "limits.max_in_flight", "listener.tls.key", "authentication.query"; or, for
// a section or array ("limits", "listener"), a line for each of its options. The error names the nearest one.
Result<std::string> explain_option(std::string_view name);
// The same for programs: an object with the texts "name", "description", "permitted", "default", "only_with",
// "environment" and "example" (empty: there is none) and "live"; of a section or array a list of these.
Result<std::string> explain_option_json(std::string_view name);

// Of an option that belongs to some kinds of its table only: `kind = "http", "ldap"`; else nothing.
template <class Config>
std::string kinds_text(std::span<const Option<Config>> options, const OptionFacts& facts) {
  const Option<Config>* kind = find_option(options, "kind");
  if (!kind || facts.kinds == 0) return {};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kind->facts.choices.size(); ++i) {
    if (facts.kinds >> i & 1) names.push_back(fmt::format("\"{}\"", kind->facts.choices[i]));
  }
  return fmt::format("kind = {}", fmt::join(names, ", "));
}

}  // namespace martlet::server
