#include "topic/cover.h"

#include <iterator>

#include "topic/levels.h"

namespace martlet::topic {
namespace {

bool begins_with_wildcard(std::string_view filter) {
  return filter.starts_with('+') || filter.starts_with('#');
}

// The same filter with as many levels as its topics have at least: no topic name is empty.
std::string_view at_length(std::string_view filter) {
  if (filter == "#") return "+/#";
  return filter == "/#" ? "/+/#" : filter;
}

}  // namespace

bool covers(std::string_view outer, std::string_view inner) {
  if (inner.starts_with('$') && begins_with_wildcard(outer)) return false;
  Levels::Iterator wide(outer);
  Levels::Iterator narrow(at_length(inner));
  while (wide != std::default_sentinel && narrow != std::default_sentinel) {
    if (*wide == "#") return true;
    // What reaches down to every depth is only covered by what does so, too.
    if (*narrow == "#") return false;
    if (*wide != "+" && *wide != *narrow) return false;
    ++wide;
    ++narrow;
  }
  if (narrow != std::default_sentinel) return false;
  return wide == std::default_sentinel || *wide == "#";
}

bool overlap(std::string_view one, std::string_view other) {
  if (one.starts_with('$') && begins_with_wildcard(other)) return false;
  if (other.starts_with('$') && begins_with_wildcard(one)) return false;
  Levels::Iterator a(at_length(one));
  Levels::Iterator b(at_length(other));
  while (a != std::default_sentinel && b != std::default_sentinel) {
    if (*a == "#" || *b == "#") return true;
    if (*a != "+" && *b != "+" && *a != *b) return false;
    ++a;
    ++b;
  }
  if (a != std::default_sentinel) return *a == "#";
  return b == std::default_sentinel || *b == "#";
}

}  // namespace martlet::topic
