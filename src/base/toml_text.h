// What a TOML file may hold beyond ASCII, looked at before a parser sees it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace martlet {

// TOML 1.0: a file is UTF-8, and characters beyond ASCII stand in strings and comments alone (parsers have been seen to
// trust in that). The Error names the first that does not: `FILE:LINE:COLUMN: what, and what to do`. A byte order mark
// in front is no fault. Whatever else is wrong with the text is left to the parser. Linear time. Any thread.
Result<void> check_toml_text(std::string_view text, std::string_view file_name);

// `text` with a mark that is legal in strings and comments only in place of each byte beyond ASCII; empty if there is
// none, or nothing but a byte order mark. What a parser makes of it stands where the same of `text` stands, by line.
std::string toml_in_ascii(std::string_view text);

// What `parse` (toml::parse) makes of a text that check_toml_text() takes: never shown a character beyond ASCII outside
// of strings and comments, where toml++ 3.3 has undefined behaviour. check_toml_text() is to say so well; this is sure,
// whatever a parser takes for the beginning of a string.
template <class Parse>
auto parse_toml_text(std::string_view text, Parse parse) {
  if (const std::string ascii = toml_in_ascii(text); !ascii.empty()) {
    if (auto parsed = parse(std::string_view(ascii)); !parsed) return parsed;
  }
  return parse(text);
}

// An Error of the parser as it is told: `FILE:LINE: description`, and what to do where that helps. Any thread.
Error toml_fault(std::string_view file_name, std::size_t line, std::string_view description);

}  // namespace martlet
