// Text from strangers made safe to show: nothing in it can begin a line, move a terminal's cursor or reverse what
// follows.
#pragma once

#include <string>
#include <string_view>

namespace martlet::server {

// Appends `text` with control characters, line and paragraph separators, directional overrides and bytes that are not
// UTF-8 written as \xNN or \u{NNNN}, and a backslash as two.
void append_printable(std::string& out, std::string_view text);

// Appends `text` as the inside of a JSON string, with the same characters escaped as \uNNNN; bytes that are not
// UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace martlet::server
