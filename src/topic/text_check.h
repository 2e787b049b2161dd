// What topic names and filters have in common; used by name.cc and filter.cc alone.
#pragma once

#include <cstddef>
#include <string_view>

#include "topic/levels.h"
#include "topic/validity.h"

namespace martlet::topic {

// Length, null characters and depth of a name or filter. `max_levels` 0 = no limit.
inline Validity check_text(std::string_view text, std::size_t max_levels) {
  if (text.empty()) return Validity::empty;
  if (text.size() > kMaxTextBytes) return Validity::too_long;
  if (text.find('\0') != std::string_view::npos) return Validity::has_null;
  if (max_levels != 0 && count_levels(text) > max_levels) return Validity::too_deep;
  return Validity::ok;
}

}  // namespace martlet::topic
