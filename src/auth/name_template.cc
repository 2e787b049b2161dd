#include "auth/name_template.h"

namespace martlet::auth {
namespace {

std::string escape_hex(std::string_view text, std::string_view special) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || special.find(c) != std::string_view::npos) {
      out += '\\';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 0x0F];
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string fill_template(std::string_view text, std::string_view username, std::string_view client_id, Escape escape) {
  std::string out;
  while (!text.empty()) {
    const std::size_t at = text.find('%');
    out += text.substr(0, at);
    if (at == std::string_view::npos) break;
    const char letter = at + 1 < text.size() ? text[at + 1] : '\0';
    text.remove_prefix(at + 1);
    if (letter == 'u') {
      out += escape(username);
    } else if (letter == 'c') {
      out += escape(client_id);
    } else {
      out += '%';
      if (letter != '%') continue;
    }
    text.remove_prefix(1);
  }
  return out;
}

bool has_placeholder(std::string_view text, char letter) {
  for (std::size_t at = text.find('%'); at != std::string_view::npos && at + 1 < text.size(); at = text.find('%', at)) {
    if (text[at + 1] == letter) return true;
    at += text[at + 1] == '%' ? 2 : 1;
  }
  return false;
}

std::string unescaped(std::string_view text) {
  return std::string(text);
}

std::string escape_dn(std::string_view text) {
  // Blanks and '#' have a meaning only at the ends, '=' none: escaped everywhere, there is nothing to get wrong.
  return escape_hex(text, "\"+,;<>\\=# ");
}

std::string escape_filter(std::string_view text) {
  return escape_hex(text, "*()\\");
}

}  // namespace martlet::auth
