// Text from strangers made safe to show: nothing in it can begin a line, move a terminal's cursor, reverse what follows
// or end the quotation marks around it. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace martlet {

// Characters of one client identifier, user name or topic that a log line shows.
inline constexpr std::size_t kShownChars = 128;
inline constexpr std::size_t kAllChars = static_cast<std::size_t>(-1);

// `text` with control characters (C0, DEL, C1), line and paragraph separators, directional marks, overrides and
// isolates and bytes that are not UTF-8 written as \xNN or \u{NNNN}, and `"` and `\` behind a backslash. Of the result
// at most `max_chars` characters, never half an escape, and "..." where it was cut.
std::string printable(std::string_view text, std::size_t max_chars = kShownChars);
// The same, appended.
void append_printable(std::string& out, std::string_view text, std::size_t max_chars);

// Appends a whole line whose foreign parts went through printable(): as above, but `"` and `\` stay as they are.
void append_line_text(std::string& out, std::string_view text, std::size_t max_chars);

// Appends `text` as the inside of a JSON string, with the same characters escaped as \uNNNN; bytes that are not UTF-8
// become U+FFFD. Cut to `max_chars` as above.
void append_json_string(std::string& out, std::string_view text, std::size_t max_chars);

}  // namespace martlet
