#include "base/printable.h"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>

#include "base/utf8.h"

namespace martlet {
namespace {

bool harmless(std::uint32_t code_point) {
  if (code_point < 0x20 || (code_point >= 0x7F && code_point <= 0x9F)) return false;
  if (code_point >= 0x2028 && code_point <= 0x202E) return false;  // separators, directional overrides
  if (code_point >= 0x2066 && code_point <= 0x2069) return false;  // directional isolates
  return code_point != 0x200E && code_point != 0x200F && code_point != 0x061C;
}

// How one character is written, and how many characters that takes.
struct Written {
  fmt::basic_memory_buffer<char, 16> text;
  std::size_t chars = 0;

  void escape(fmt::string_view form, std::uint32_t value) {
    fmt::format_to(std::back_inserter(text), fmt::runtime(form), value);
    chars = text.size();
  }
  void copy(std::string_view character) {
    text.append(character);
    chars = 1;
  }
  void copy_behind_backslash(std::string_view character) {
    text.push_back('\\');
    text.append(character);
    chars = 2;
  }
};

bool is_quoting(const Character& character) {
  return character.code_point == '"' || character.code_point == '\\';
}

void write_printable(Written& to, const Character& character, std::string_view bytes) {
  if (!character.valid) {
    to.escape("\\x{:02x}", static_cast<std::uint8_t>(bytes[0]));
  } else if (harmless(character.code_point)) {
    to.copy(bytes);
  } else {
    to.escape(character.code_point < 0x80 ? "\\x{:02x}" : "\\u{{{:04x}}}", character.code_point);
  }
}

// Appends what `write` makes of each character, as far as that stays within `max_chars`.
template <typename Write>
void append_each(std::string& out, std::string_view text, std::size_t max_chars, Write write) {
  for (std::size_t chars = 0; !text.empty();) {
    const Character character = first_character(text);
    Written written;
    write(written, character, text.substr(0, character.size_bytes));
    chars += written.chars;
    if (chars > max_chars) {
      out += "...";
      return;
    }
    out.append(written.text.data(), written.text.size());
    text.remove_prefix(character.size_bytes);
  }
}

}  // namespace

std::string printable(std::string_view text, std::size_t max_chars) {
  std::string out;
  append_printable(out, text, max_chars);
  return out;
}

void append_printable(std::string& out, std::string_view text, std::size_t max_chars) {
  append_each(out, text, max_chars, [](Written& to, const Character& character, std::string_view bytes) {
    is_quoting(character) ? to.copy_behind_backslash(bytes) : write_printable(to, character, bytes);
  });
}

void append_line_text(std::string& out, std::string_view text, std::size_t max_chars) {
  append_each(out, text, max_chars, write_printable);
}

void append_json_string(std::string& out, std::string_view text, std::size_t max_chars) {
  append_each(out, text, max_chars, [](Written& to, const Character& character, std::string_view bytes) {
    if (!character.valid) {
      to.escape("\\u{:04x}", 0xFFFD);
    } else if (is_quoting(character)) {
      to.copy_behind_backslash(bytes);
    } else if (harmless(character.code_point)) {
      to.copy(bytes);
    } else {
      to.escape("\\u{:04x}", character.code_point);
    }
  });
}

}  // namespace martlet
