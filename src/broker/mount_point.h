// What is put in front of the topics of a listener's clients (ListenerPolicy::mount_point).
#pragma once

#include <string>
#include <string_view>

#include "topic/filter.h"

namespace martlet::broker {

// The whole topic filter for a client's own, which is legal; of a shared subscription the filter inside gets the mount
// point. `scratch` holds the result where it differs.
inline std::string_view whole_filter(std::string_view mount_point, std::string_view filter, std::string& scratch) {
  if (mount_point.empty()) return filter;
  const auto parsed = topic::parse_filter(filter);
  const std::size_t before = parsed ? static_cast<std::size_t>(parsed->filter.data() - filter.data()) : 0;
  scratch = filter.substr(0, before);
  scratch += mount_point;
  scratch += filter.substr(before);
  return scratch;
}

}  // namespace martlet::broker
