// What somebody probably meant by the name of an option, or of a table of options, that does not exist.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace martlet::server {

// `: did you mean "limits.max_packet_size" or "listener.max_packet_size"?` for "max_packet_size": the nearest of
// `names`, else those with the same last part behind a dot, else one whose last part is near. Empty: none is.
std::string option_hint(std::string_view given, std::span<const std::string_view> names);

// Whether options begin with `section` and a dot, or [[section]] is an array of tables.
bool is_section_or_array(std::string_view section);
// `: did you mean [[listener]]?` for "listner"; empty: none is near.
std::string section_hint(std::string_view given);

}  // namespace martlet::server
