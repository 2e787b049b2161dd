#include "server/store_tool/line_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/printable.h"
#include "server/log.h"
#include "wire/text.h"

namespace martlet::server {
namespace {

constexpr std::size_t kMostChars = 100;

bool is_utf8(std::string_view bytes) {
  std::string text(bytes);
  std::ranges::replace(text, '\0', ' ');
  return wire::valid_text(text);
}

}  // namespace

void LineWriter::begin(std::string_view table) {
  line_.clear();
  first_ = false;
  if (json_) {
    line_ = fmt::format("{{\"table\":\"{}\"", table);
  } else {
    line_ = table;
  }
}

std::string_view LineWriter::end() {
  line_ += json_ ? "}\n" : "\n";
  return line_;
}

void LineWriter::name(std::string_view name) {
  if (!first_) line_ += json_ ? ',' : ' ';
  first_ = false;
  if (json_) {
    fmt::format_to(std::back_inserter(line_), "\"{}\":", name);
  } else {
    fmt::format_to(std::back_inserter(line_), "{}=", name);
  }
}

void LineWriter::text(std::string_view name, std::string_view value) {
  const std::size_t chars = full_ ? kAllChars : kMostChars;
  if (json_ && !is_utf8(value)) {
    const std::size_t shown = std::min(value.size(), full_ ? value.size() : kMostChars / 2);
    this->name(std::string(name) + "_hex");
    line_ += '"';
    for (const char byte : value.substr(0, shown)) {
      fmt::format_to(std::back_inserter(line_), "{:02x}", static_cast<std::uint8_t>(byte));
    }
    line_ += shown < value.size() ? "...\"" : "\"";
    return;
  }
  this->name(name);
  line_ += '"';
  if (json_) {
    append_json_string(line_, value, chars);
  } else {
    append_printable(line_, value, chars);
  }
  line_ += '"';
}

void LineWriter::number(std::string_view name, std::uint64_t value) {
  this->name(name);
  fmt::format_to(std::back_inserter(line_), "{}", value);
}

void LineWriter::numbers(std::string_view name, std::span<const std::uint32_t> values) {
  if (values.empty()) return;
  this->name(name);
  fmt::format_to(std::back_inserter(line_), "[{}]", fmt::join(values, ","));
}

void LineWriter::word(std::string_view name, std::string_view word) {
  this->name(name);
  const std::string_view quote = json_ ? "\"" : "";
  fmt::format_to(std::back_inserter(line_), "{}{}{}", quote, word, quote);
}

void LineWriter::flag(std::string_view name, bool set) {
  if (!set) return;
  this->name(name);
  line_ += "true";
}

void LineWriter::time(std::string_view name, std::int64_t wall_ms) {
  if (wall_ms != 0) word(name, utc_text(wall_ms));
}

void LineWriter::begin_list(std::string_view name) {
  this->name(name);
  line_ += '[';
  first_item_ = true;
}

void LineWriter::begin_item() {
  if (!first_item_) line_ += json_ ? "," : ", ";
  first_item_ = false;
  if (json_) line_ += '{';
  first_ = true;
}

void LineWriter::end_item() {
  if (json_) line_ += '}';
}

void LineWriter::end_list() {
  line_ += ']';
  first_ = false;
}

}  // namespace martlet::server
