#include "server/printable.h"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>

namespace martlet::server {
namespace {

struct Character {
  std::uint32_t code_point = 0;
  std::size_t size_bytes = 1;
  bool valid = false;  // otherwise one byte that begins no character
};

// The first character of `text`, which is not empty.
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return {};
  std::uint32_t code_point = lead & (0xFFu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code_point = (code_point << 6) | (byte(i) & 0x3Fu);
  }
  const bool overlong = (size == 3 && code_point < 0x800) || (size == 4 && code_point < 0x10000);
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (overlong || surrogate || code_point > 0x10FFFF) return {};
  return {code_point, size, true};
}

bool harmless(std::uint32_t code_point) {
  if (code_point < 0x20 || (code_point >= 0x7F && code_point <= 0x9F)) return false;
  if (code_point >= 0x2028 && code_point <= 0x202E) return false;  // separators, directional overrides
  if (code_point >= 0x2066 && code_point <= 0x2069) return false;  // directional isolates
  return code_point != 0x200E && code_point != 0x200F && code_point != 0x061C;
}

}  // namespace

void append_printable(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const Character character = first_character(text);
    if (character.valid && character.code_point == '\\') {
      out += "\\\\";
    } else if (character.valid && harmless(character.code_point)) {
      out += text.substr(0, character.size_bytes);
    } else if (character.valid && character.code_point >= 0x80) {
      fmt::format_to(std::back_inserter(out), "\\u{{{:04x}}}", character.code_point);
    } else {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<std::uint8_t>(text[0]));
    }
    text.remove_prefix(character.size_bytes);
  }
}

void append_json_string(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const Character character = first_character(text);
    if (!character.valid) {
      out += "\\ufffd";
    } else if (character.code_point == '"' || character.code_point == '\\') {
      out += '\\';
      out += text[0];
    } else if (harmless(character.code_point)) {
      out += text.substr(0, character.size_bytes);
    } else {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", character.code_point);
    }
    text.remove_prefix(character.size_bytes);
  }
}

}  // namespace martlet::server
