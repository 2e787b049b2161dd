#include "topic/name.h"

#include "topic/text_check.h"

namespace martlet::topic {

Validity check_name(std::string_view name, std::size_t max_levels) {
  const Validity common = check_text(name, max_levels);
  if (common != Validity::ok) return common;
  for (const char c : name) {
    if (c == '+' || c == '#') return Validity::wildcard_in_name;
  }
  return Validity::ok;
}

}  // namespace martlet::topic
