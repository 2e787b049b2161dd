#include "topic/filter.h"

#include <iterator>

#include "topic/levels.h"
#include "topic/text_check.h"

namespace martlet::topic {

namespace {

constexpr std::string_view kSharePrefix = "$share/";

Validity check_wildcards(std::string_view filter) {
  for (std::size_t at = 0; at < filter.size(); ++at) {
    const char c = filter[at];
    if (c != '+' && c != '#') continue;
    const bool begins = at == 0 || filter[at - 1] == '/';
    const bool last = at + 1 == filter.size();
    if (c == '#' && !(begins && last)) return Validity::misplaced_hash;
    if (c == '+' && !(begins && (last || filter[at + 1] == '/'))) return Validity::misplaced_plus;
  }
  return Validity::ok;
}

}  // namespace

Validity check_filter(std::string_view filter, std::size_t max_levels) {
  const Validity common = check_text(filter, max_levels);
  if (common != Validity::ok) return common;
  return check_wildcards(filter);
}

bool has_wildcard(std::string_view filter) {
  return filter.find_first_of("+#") != std::string_view::npos;
}

bool matches(std::string_view filter, std::string_view topic) {
  if (topic.starts_with('$') && (filter.starts_with('+') || filter.starts_with('#'))) return false;
  Levels::Iterator wanted(filter);
  Levels::Iterator given(topic);
  while (wanted != std::default_sentinel && given != std::default_sentinel) {
    if (*wanted == "#") return true;
    if (*wanted != "+" && *wanted != *given) return false;
    ++wanted;
    ++given;
  }
  if (given != std::default_sentinel) return false;
  return wanted == std::default_sentinel || *wanted == "#";
}

tl::expected<ParsedFilter, Validity> parse_filter(std::string_view text, std::size_t max_levels) {
  ParsedFilter parsed{false, {}, text};
  if (text.starts_with(kSharePrefix)) {
    if (text.size() > kMaxTextBytes) return tl::unexpected(Validity::too_long);
    const std::string_view behind = text.substr(kSharePrefix.size());
    const std::size_t slash = behind.find('/');
    parsed.shared = true;
    parsed.group = behind.substr(0, slash);
    if (parsed.group.empty()) return tl::unexpected(Validity::share_name_empty);
    if (parsed.group.find('\0') != std::string_view::npos) return tl::unexpected(Validity::has_null);
    if (has_wildcard(parsed.group)) return tl::unexpected(Validity::share_name_wildcard);
    if (slash == std::string_view::npos || slash + 1 == behind.size()) {
      return tl::unexpected(Validity::share_filter_missing);
    }
    parsed.filter = behind.substr(slash + 1);
  }
  const Validity validity = check_filter(parsed.filter, max_levels);
  if (validity != Validity::ok) return tl::unexpected(validity);
  return parsed;
}

}  // namespace martlet::topic
