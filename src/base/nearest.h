// What somebody probably meant by a name that does not exist.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace martlet {

// The one of `names` that is nearest to `given`, or an empty text if none is near: letters are put in, taken out,
// replaced or swapped with their neighbour. A name of which `given` is nearly the beginning counts as near; of several
// equally near ones the first wins.
std::string_view nearest_name(std::string_view given, std::span<const std::string_view> names);

// `: did you mean "NAME"?`, or nothing if no name is near.
std::string suggestion(std::string_view given, std::span<const std::string_view> names);

}  // namespace martlet
