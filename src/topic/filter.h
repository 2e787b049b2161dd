// Topic filters: what a SUBSCRIBE carries, and the reference matcher for one filter and one topic.
#pragma once

#include <cstddef>
#include <string_view>
#include <tl/expected.hpp>

#include "topic/validity.h"

namespace martlet::topic {

// Whether `filter` (without a $share prefix) is a legal topic filter of at most `max_levels` levels (0 = no limit).
[[nodiscard]] Validity check_filter(std::string_view filter, std::size_t max_levels = 0);

// True if the legal filter has a wildcard level.
bool has_wildcard(std::string_view filter);

// True if the legal filter `filter` matches the topic name `topic`: "a/#" matches "a" too; a filter that starts with
// a wildcard matches no topic that starts with '$' [MQTT-4.7.2-1]. Linear in the shorter text.
bool matches(std::string_view filter, std::string_view topic);

// A topic filter as subscribed. The views point into the parsed text.
struct ParsedFilter {
  bool shared = false;
  std::string_view group;   // ShareName, empty unless shared
  std::string_view filter;  // what topics are matched with
};

// Splits "$share/NAME/FILTER" [MQTT-4.8.2-1] [MQTT-4.8.2-2] and checks all of it; every other text is checked as a
// plain filter. `max_levels` (0 = no limit) counts the levels of FILTER alone.
[[nodiscard]] tl::expected<ParsedFilter, Validity> parse_filter(std::string_view text, std::size_t max_levels = 0);

}  // namespace martlet::topic
