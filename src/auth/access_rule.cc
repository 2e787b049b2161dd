#include "auth/access_rule.h"

namespace martlet::auth {
namespace {

const std::vector<std::string> no_filters;

}  // namespace

std::array<const std::vector<std::string>*, 2> AccessRule::filters(Action action) const {
  switch (action) {
    case Action::publish:
      return {&publish, &no_filters};
    case Action::subscribe:
      return {&subscribe, &no_filters};
    case Action::receive:
      break;
  }
  return {&receive, allow || qos == kAnyQos ? &subscribe : &no_filters};
}

bool glob_matches(std::string_view pattern, std::string_view text) {
  std::size_t at = 0, star = std::string_view::npos, tried = 0;
  std::size_t p = 0;
  while (at < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      tried = at;
    } else if (p < pattern.size() && pattern[p] == text[at]) {
      ++p;
      ++at;
    } else if (star != std::string_view::npos) {
      // The last '*' takes one character more.
      p = star + 1;
      at = ++tried;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace martlet::auth
