#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "env/posix/system.h"

namespace martlet::env::posix {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::vector<std::pair<std::string, std::string>> environment_with_prefix(std::string_view prefix) {
  std::vector<std::pair<std::string, std::string>> variables;
  for (char** entry = ::environ; entry && *entry; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (!text.starts_with(prefix) || equals == std::string_view::npos) continue;
    variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  const auto by_name = [](const auto& a, const auto& b) { return a.first < b.first; };
  std::stable_sort(variables.begin(), variables.end(), by_name);
  const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
  variables.erase(std::unique(variables.begin(), variables.end(), same), variables.end());
  return variables;
}

}  // namespace martlet::env::posix
