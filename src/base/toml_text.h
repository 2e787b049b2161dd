// What a TOML file may hold beyond ASCII, looked at before a parser sees it.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace martlet {

// TOML 1.0: a file is UTF-8, and characters beyond ASCII stand in strings and comments alone (parsers have been seen to
// trust in that). The Error names the first that does not: `FILE:LINE:COLUMN: what, and what to do`. A byte order mark
// in front is no fault. Whatever else is wrong with the text is left to the parser. Linear time. Any thread.
Result<void> check_toml_text(std::string_view text, std::string_view file_name);

// An Error of the parser as it is told: `FILE:LINE: description`, and what to do where that helps. Any thread.
Error toml_fault(std::string_view file_name, std::size_t line, std::string_view description);

}  // namespace martlet
