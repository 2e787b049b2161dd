#include "base/toml_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>

#include "base/printable.h"
#include "base/utf8.h"

namespace martlet {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// What people paste without noticing, by what they meant.
std::string_view advice_for(std::uint32_t code_point) {
  switch (code_point) {
    case 0x201C:
    case 0x201D:
    case 0x201E:
    case 0x00AB:
    case 0x00BB:
      return "it is no quotation mark of TOML: write \"";
    case 0x2018:
    case 0x2019:
    case 0x201A:
      return "it is no quotation mark of TOML: write '";
    case 0x00A0:
    case 0x2003:
    case 0x202F:
    case 0x3000:
      return "it is a space of another kind: write a plain one";
    case 0x2013:
    case 0x2014:
    case 0x2212:
      return "it is a dash of another kind: write -";
    default:
      return "put the name or text in quotes";
  }
}

// What to do about an error of the parser, by a part of its description: the first that fits.
struct Advice {
  std::string_view part;
  std::string_view text;
};
constexpr Advice kAdvice[] = {
    {"could not determine value type", "; a text stands in quotes, as in user = \"martlet\""},
    {"parsing decimal", "; a text stands in quotes, as in timeout = \"30s\""},
    {"parsing boolean", "; write true or false, or put a text in quotes"},
    {"control characters", "; is the quotation mark at the end of the line missing?"},
    {"escape sequence", "; write \\\\ for a backslash, or put the text in single quotation marks"},
    {"expected '=', saw ':'", "; write name = value"},
};

class Scanner {
 public:
  Scanner(std::string_view text, std::string_view file_name) : text_(text), file_name_(file_name) {}

  Result<void> run() {
    if (text_.starts_with(kByteOrderMark)) at_ = line_begin_ = kByteOrderMark.size();
    while (at_ < text_.size()) {
      const Character character = first_character(text_.substr(at_));
      if (!character.valid) return not_utf8();
      if (character.code_point >= 0x80 && inside_ == Inside::nothing) return outside(character);
      at_ += character.code_point < 0x80 ? step(text_[at_]) : character.size_bytes;
    }
    return {};
  }

 private:
  enum class Inside : std::uint8_t { nothing, comment, text, long_text };

  // How many bytes are dealt with at an ASCII character.
  std::size_t step(char c) {
    if (c == '\n') {
      ++line_;
      line_begin_ = at_ + 1;
      // A short text that is not closed ends here, and the parser with it.
      if (inside_ != Inside::long_text) inside_ = Inside::nothing;
      return 1;
    }
    if (inside_ == Inside::nothing) return begin(c);
    if (inside_ == Inside::comment) return 1;
    // Not the byte behind the backslash: it may begin a long character.
    if (c == '\\' && quote_ == '"') return at_ + 1 < text_.size() && is_escapable(text_[at_ + 1]) ? 2 : 1;
    return c == quote_ ? end() : 1;
  }

  static bool is_escapable(char c) { return c == '"' || c == '\\'; }

  // A quotation mark in the middle of something begins no text for a parser either: it is part of a bad number or name.
  bool may_begin_text() const {
    return at_ == line_begin_ || std::string_view(" \t\r=[,{.").find(text_[at_ - 1]) != std::string_view::npos;
  }

  std::size_t quotes() const {
    const std::size_t end = text_.find_first_not_of(quote_, at_);
    return (end == std::string_view::npos ? text_.size() : end) - at_;
  }

  std::size_t begin(char c) {
    if (c == '#') inside_ = Inside::comment;
    if ((c != '"' && c != '\'') || !may_begin_text()) return 1;
    quote_ = c;
    const bool is_long = quotes() >= 3;
    inside_ = is_long ? Inside::long_text : Inside::text;
    return is_long ? 3 : 1;
  }

  // At a quotation mark inside: of five the first two belong to the long text that the others end.
  std::size_t end() {
    if (inside_ == Inside::text) {
      inside_ = Inside::nothing;
      return 1;
    }
    const std::size_t count = std::min<std::size_t>(quotes(), 5);
    if (count >= 3) inside_ = Inside::nothing;
    return count;
  }

  std::string place() const {
    std::size_t column = 1;
    for (std::size_t at = line_begin_; at < at_; ++column) at += first_character(text_.substr(at)).size_bytes;
    return fmt::format("{}:{}:{}", file_name_, line_, column);
  }

  tl::unexpected<Error> not_utf8() const {
    return fail(fmt::format("{}: the byte 0x{:02x} is not UTF-8: save the file in that encoding", place(),
                            static_cast<std::uint8_t>(text_[at_])));
  }

  tl::unexpected<Error> outside(const Character& character) const {
    return fail(fmt::format("{}: the character \"{}\" may stand in quotes and comments only: {}", place(),
                            printable(text_.substr(at_, character.size_bytes)), advice_for(character.code_point)));
  }

  std::string_view text_;
  std::string_view file_name_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t line_begin_ = 0;
  Inside inside_ = Inside::nothing;
  char quote_ = '"';
};

}  // namespace

std::string toml_in_ascii(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const auto is_foreign = [](char c) { return static_cast<unsigned char>(c) >= 0x80; };
  std::string ascii;
  if (std::none_of(text.begin(), text.end(), is_foreign)) return ascii;
  ascii.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    // The byte's number too: two names must not become one.
    if (is_foreign(c)) {
      fmt::format_to(std::back_inserter(ascii), "!{:02x}", static_cast<unsigned char>(c));
    } else {
      ascii += c;
    }
  }
  return ascii;
}

Error toml_fault(std::string_view file_name, std::size_t line, std::string_view description) {
  const auto* advice = std::find_if(std::begin(kAdvice), std::end(kAdvice), [&](const Advice& one) {
    return description.find(one.part) != std::string_view::npos;
  });
  return {fmt::format("{}:{}: {}{}", file_name, line, description, advice == std::end(kAdvice) ? "" : advice->text)};
}

Result<void> check_toml_text(std::string_view text, std::string_view file_name) {
  return Scanner(text, file_name).run();
}

}  // namespace martlet
