#include "tools/json_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace martlet::tools {

void append_json_text(std::string& out, std::string_view text) {
  constexpr std::string_view kPlain = "\"\\\b\f\n\r\t";
  constexpr std::string_view kLetters = "\"\\bfnrt";
  out += '"';
  for (const char c : text) {
    if (const std::size_t at = kPlain.find(c); at != std::string_view::npos) {
      out += '\\';
      out += kLetters[at];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

// In an array the comma belongs to the value, in an object to the key.
void JsonWriter::before_value() {
  if (levels_.empty() || !levels_.back().array) return;
  if (!levels_.back().empty) out_ += pretty_ ? ", " : ",";
  levels_.back().empty = false;
}

void JsonWriter::new_line(std::size_t depth) {
  out_ += '\n';
  out_.append(depth, '\t');
}

void JsonWriter::begin_object() {
  before_value();
  out_ += '{';
  levels_.push_back({.array = false});
}

void JsonWriter::end_object() {
  levels_.pop_back();
  if (pretty_) new_line(levels_.size());
  out_ += '}';
}

void JsonWriter::begin_array() {
  before_value();
  out_ += '[';
  levels_.push_back({.array = true});
}

void JsonWriter::end_array() {
  levels_.pop_back();
  out_ += ']';
}

void JsonWriter::key(std::string_view name) {
  if (!levels_.back().empty) out_ += ',';
  levels_.back().empty = false;
  if (pretty_) new_line(levels_.size());
  append_json_text(out_, name);
  out_ += pretty_ ? ":\t" : ":";
}

void JsonWriter::text(std::string_view value) {
  before_value();
  append_json_text(out_, value);
}

void JsonWriter::number(std::int64_t value) {
  before_value();
  out_ += fmt::format("{}", value);
}

void JsonWriter::number(std::uint64_t value) {
  before_value();
  out_ += fmt::format("{}", value);
}

// The fewer digits, unless they lose something.
void JsonWriter::number(double value) {
  before_value();
  if (!std::isfinite(value)) {
    out_ += "null";
    return;
  }
  std::string text = fmt::format("{:.15g}", value);
  const double back = std::strtod(text.c_str(), nullptr);
  const double tolerance = std::max(std::fabs(back), std::fabs(value)) * std::numeric_limits<double>::epsilon();
  if (std::fabs(back - value) > tolerance) text = fmt::format("{:.17g}", value);
  out_ += text;
}

void JsonWriter::boolean(bool value) {
  before_value();
  out_ += value ? "true" : "false";
}

void JsonWriter::null() {
  before_value();
  out_ += "null";
}

}  // namespace martlet::tools
