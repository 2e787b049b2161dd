// The placeholders in the filters of rules and tokens: %u the user name, %c the client identifier, %g a group, %% a
// percent sign. Pure functions, any thread.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string_view>

namespace martlet::auth {

// Filters up to this length cost no memory allocation.
using FilterBuffer = fmt::basic_memory_buffer<char, 256>;

inline std::string_view view_of(const FilterBuffer& buffer) {
  return {buffer.data(), buffer.size()};
}

// An empty text is "has none".
struct PlaceholderValues {
  std::string_view user;
  std::string_view client;
  std::string_view group;
};

// `bad_*`: the value holds "+", "#" or "/", or would make a filter begin with '$'. It must not stand in a filter: it
// would reach other clients' topics.
enum class Filling : std::uint8_t { filled, missing, bad_user, bad_client, bad_group };

inline bool has_placeholder(std::string_view filter) {
  return filter.find('%') != std::string_view::npos;
}
// True if %g is among them.
bool has_group_placeholder(std::string_view filter);
// The first placeholder that there is not, such as "%x" or a single "%"; empty if all are known.
std::string_view unknown_placeholder(std::string_view filter);

// Writes `filter` with its values to `out`. If it is not `filled`, `out` has what stands before the value in question.
// What is no placeholder stays as it is.
Filling fill_placeholders(std::string_view filter, const PlaceholderValues& values, FilterBuffer& out);

// What the values of a bad filling may not hold, for a person: "the client id holds ...". Empty for the others.
std::string_view to_text(Filling filling);

// True if every topic name that `filter` with a bad value could have matched lies below what `begun` (of
// fill_placeholders) has in whole levels: then `begun` becomes a filter of all that, "a/#"; false: that is everything.
bool widen_begun(FilterBuffer& begun);

}  // namespace martlet::auth
