// The few topics and filters that the simulated clients speak of, and who matches whom.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace martlet::sim {

using TopicId = std::uint8_t;
using FilterId = std::uint8_t;

inline constexpr std::array<std::string_view, 6> kTopics = {"a/0", "a/1", "b/0", "b/1", "c", "w"};
inline constexpr std::size_t kTopicCount = kTopics.size();

struct FilterRow {
  std::string_view filter;
  std::uint32_t topics;    // bit per topic that it matches
  std::uint8_t group = 0;  // shared: number of the group, from 1
};

inline constexpr std::array<FilterRow, 11> kFilters = {{
    {"a/0", 0b000001},
    {"a/+", 0b000011},
    {"a/#", 0b000011},
    {"#", 0b111111},
    {"b/+", 0b001100},
    {"b/1", 0b001000},
    {"+/1", 0b001010},
    {"c", 0b010000},
    {"w", 0b100000},
    {"$share/g/a/+", 0b000011, 1},
    {"$share/h/b/#", 0b001100, 2},
}};
inline constexpr std::size_t kFilterCount = kFilters.size();
inline constexpr FilterId kEverything = 3;
inline constexpr FilterId kFirstShared = 9;
inline constexpr std::size_t kGroups = 2;

constexpr bool matches(FilterId filter, TopicId topic) {
  return (kFilters[filter].topics >> topic) & 1;
}

}  // namespace martlet::sim
