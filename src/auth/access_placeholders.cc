#include "auth/access_placeholders.h"

namespace martlet::auth {
namespace {

bool is_bad(std::string_view value, bool at_start) {
  return value.find_first_of("+#/") != std::string_view::npos || (at_start && value.front() == '$');
}

}  // namespace

bool has_group_placeholder(std::string_view filter) {
  for (std::size_t at = filter.find('%'); at < filter.size(); at = filter.find('%', at + 2)) {
    if (filter.substr(at, 2) == "%g") return true;
  }
  return false;
}

std::string_view unknown_placeholder(std::string_view filter) {
  for (std::size_t at = filter.find('%'); at < filter.size(); at = filter.find('%', at + 2)) {
    const std::string_view found = filter.substr(at, 2);
    if (found != "%u" && found != "%c" && found != "%g" && found != "%%") return found;
  }
  return {};
}

Filling fill_placeholders(std::string_view filter, const PlaceholderValues& values, FilterBuffer& out) {
  out.clear();
  while (true) {
    const std::size_t at = filter.find('%');
    if (at == std::string_view::npos || at + 1 == filter.size()) break;
    out.append(filter.substr(0, at));
    const char name = filter[at + 1];
    std::string_view value = filter.substr(at, 2);
    Filling bad = Filling::filled;
    if (name == 'u') value = values.user, bad = Filling::bad_user;
    if (name == 'c') value = values.client, bad = Filling::bad_client;
    if (name == 'g') value = values.group, bad = Filling::bad_group;
    if (name == '%') value = "%";
    if (value.empty()) return Filling::missing;
    if (bad != Filling::filled && is_bad(value, out.size() == 0)) return bad;
    out.append(value);
    filter.remove_prefix(at + 2);
  }
  out.append(filter);
  return Filling::filled;
}

std::string_view to_text(Filling filling) {
  switch (filling) {
    case Filling::bad_user:
      return "the user name holds a wildcard, a '/' or a leading '$'";
    case Filling::bad_client:
      return "the client id holds a wildcard, a '/' or a leading '$'";
    case Filling::bad_group:
      return "the group's name holds a wildcard, a '/' or a leading '$'";
    case Filling::filled:
    case Filling::missing:
      break;
  }
  return {};
}

bool widen_begun(FilterBuffer& begun) {
  const std::size_t slash = view_of(begun).rfind('/');
  if (slash == std::string_view::npos) return false;
  begun.resize(slash + 1);
  begun.push_back('#');
  return true;
}

}  // namespace martlet::auth
