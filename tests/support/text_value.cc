#include "tests/support/text_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace martlet::test {
namespace {

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string repeated(std::uint64_t count, const std::string& piece) {
  std::string made;
  made.reserve(count * piece.size());
  for (std::uint64_t i = 0; i < count; ++i) made += piece;
  return made;
}

std::string quoted(std::string_view bytes) {
  constexpr std::size_t kMost = 96;
  if (bytes.size() > 16 && bytes.find_first_not_of(bytes[0]) == std::string_view::npos) {
    return fmt::format("{}*{}", bytes.size(), quoted(bytes.substr(0, 1)));
  }
  std::string text = "\"";
  for (const char c : bytes.substr(0, kMost)) {
    if (c == '"' || c == '\\') {
      text += fmt::format("\\{}", c);
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      text += c;
    }
  }
  text += '"';
  if (bytes.size() > kMost) text += fmt::format("...({} bytes)", bytes.size());
  return text;
}

}  // namespace

Value Value::of_number(std::uint64_t number) {
  Value value;
  value.kind = Kind::number;
  value.number = number;
  return value;
}

Value Value::of_bytes(std::string_view bytes) {
  Value value;
  value.kind = Kind::bytes;
  value.bytes = bytes;
  return value;
}

Value Value::of_pair(std::string_view name, std::string_view value) {
  Value pair;
  pair.kind = Kind::pair;
  pair.bytes = name;
  pair.second = value;
  return pair;
}

std::string to_text(const Value& value) {
  switch (value.kind) {
    case Value::Kind::number:
      return fmt::format("{}", value.number);
    case Value::Kind::bytes:
      return quoted(value.bytes);
    case Value::Kind::word:
      return value.bytes;
    case Value::Kind::pair:
      return quoted(value.bytes) + ":" + quoted(value.second);
    case Value::Kind::range:
      return fmt::format("{}..{}", value.number, value.high);
    case Value::Kind::any:
      return "*";
    case Value::Kind::none:
      return "none";
    case Value::Kind::capture:
      return "$" + value.bytes;
    case Value::Kind::list:
      break;
  }
  std::string text;
  for (const Value& element : value.list) {
    if (!text.empty()) text += ',';
    text += element.kind == Value::Kind::number ? fmt::format("0x{:02x}", element.number) : to_text(element);
  }
  return text;
}

void LineReader::skip_spaces() {
  while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
}

bool LineReader::take(std::string_view text) {
  if (!rest_.starts_with(text)) return false;
  rest_.remove_prefix(text.size());
  return true;
}

bool LineReader::at_end() {
  skip_spaces();
  return rest_.empty();
}

std::string LineReader::peek() {
  skip_spaces();
  return std::string(rest_.substr(0, std::min(rest_.find(' '), rest_.size())));
}

std::string LineReader::word() {
  std::string taken = peek();
  if (taken.empty()) throw TextError("the line ends too early");
  rest_.remove_prefix(taken.size());
  return taken;
}

std::string LineReader::rest() {
  skip_spaces();
  return std::string(rest_);
}

std::string LineReader::name() {
  const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_name_character);
  std::string taken(rest_.begin(), end);
  rest_.remove_prefix(taken.size());
  return taken;
}

Field LineReader::field() {
  skip_spaces();
  Field field;
  field.name = name();
  if (field.name.empty() || !take("=")) throw TextError(fmt::format("NAME=VALUE expected at '{}'", rest_));
  field.value = value();
  return field;
}

Value LineReader::value() {
  Value first = sum();
  if (first.kind == Value::Kind::bytes && take(":")) {
    const Value second = sum();
    if (second.kind != Value::Kind::bytes) throw TextError("a pair is \"name\":\"value\"");
    return Value::of_pair(first.bytes, second.bytes);
  }
  if (take("..")) {
    const Value high = sum();
    if (first.kind != Value::Kind::number || high.kind != Value::Kind::number) throw TextError("a range is LOW..HIGH");
    first.kind = Value::Kind::range;
    first.high = high.number;
    return first;
  }
  if (!rest_.starts_with(",")) return first;
  Value list;
  list.kind = Value::Kind::list;
  list.list.push_back(std::move(first));
  while (take(",")) list.list.push_back(sum());
  return list;
}

Value LineReader::sum() {
  Value total = term();
  while (take("+")) {
    const Value more = term();
    if (more.kind != total.kind) throw TextError("+ adds two numbers or joins two texts");
    if (more.kind == Value::Kind::number) {
      total.number += more.number;
    } else if (more.kind == Value::Kind::bytes) {
      total.bytes += more.bytes;
    } else {
      throw TextError("+ adds two numbers or joins two texts");
    }
  }
  return total;
}

Value LineReader::term() {
  if (rest_.starts_with("\"")) return Value::of_bytes(text_literal());
  if (rest_.starts_with("hex:")) return Value::of_bytes(hex_literal());
  if (!rest_.empty() && std::isdigit(static_cast<unsigned char>(rest_.front())) != 0) return number_or_repeat();
  Value value;
  if (take("*")) {
    value.kind = Value::Kind::any;
    return value;
  }
  if (take("$")) {
    const bool anew = take("!");
    value.bytes = name();
    const auto bound = variables_.find(value.bytes);
    if (bound != variables_.end() && !anew) return bound->second;
    value.kind = Value::Kind::capture;
    return value;
  }
  value.bytes = name();
  if (value.bytes.empty()) throw TextError(fmt::format("a value is expected at '{}'", rest_));
  value.kind = value.bytes == "none" ? Value::Kind::none : Value::Kind::word;
  return value;
}

Value LineReader::number_or_repeat() {
  std::uint64_t number = 0;
  if (take("0x")) {
    while (!rest_.empty() && hex_digit(rest_.front()) >= 0) {
      number = number * 16 + static_cast<std::uint64_t>(hex_digit(rest_.front()));
      rest_.remove_prefix(1);
    }
    return Value::of_number(number);
  }
  while (!rest_.empty() && std::isdigit(static_cast<unsigned char>(rest_.front())) != 0) {
    number = number * 10 + static_cast<std::uint64_t>(rest_.front() - '0');
    rest_.remove_prefix(1);
  }
  if (!take("*")) return Value::of_number(number);
  const Value piece = term();
  if (piece.kind != Value::Kind::bytes) throw TextError("COUNT*\"text\" expected");
  return Value::of_bytes(repeated(number, piece.bytes));
}

std::string LineReader::text_literal() {
  std::string text;
  rest_.remove_prefix(1);
  while (!take("\"")) {
    if (rest_.empty()) throw TextError("a text is not closed");
    if (take("${")) {
      const std::string variable = name();
      const auto bound = variables_.find(variable);
      if (!take("}") || bound == variables_.end()) throw TextError("${" + variable + "} is not bound");
      text += bound->second.kind == Value::Kind::bytes ? bound->second.bytes : to_text(bound->second);
      continue;
    }
    char c = rest_.front();
    rest_.remove_prefix(1);
    if (c == '\\' && !rest_.empty()) {
      c = rest_.front();
      rest_.remove_prefix(1);
      if (c == 'x' && rest_.size() >= 2 && hex_digit(rest_[0]) >= 0 && hex_digit(rest_[1]) >= 0) {
        c = static_cast<char>(hex_digit(rest_[0]) * 16 + hex_digit(rest_[1]));
        rest_.remove_prefix(2);
      } else if (c == 'n') {
        c = '\n';
      } else if (c == '0') {
        c = '\0';
      }
    }
    text += c;
  }
  return text;
}

std::string LineReader::hex_literal() {
  take("hex:");
  std::string bytes;
  while (rest_.size() >= 2 && hex_digit(rest_[0]) >= 0 && hex_digit(rest_[1]) >= 0) {
    bytes += static_cast<char>(hex_digit(rest_[0]) * 16 + hex_digit(rest_[1]));
    rest_.remove_prefix(2);
  }
  return bytes;
}

std::string raw_bytes(std::string_view line, const Variables& variables) {
  std::string bytes;
  LineReader in(line, variables);
  while (!in.at_end()) {
    const std::string next = in.peek();
    if (next.size() == 2 && hex_digit(next[0]) >= 0 && hex_digit(next[1]) >= 0) {
      in.word();
      bytes += static_cast<char>(hex_digit(next[0]) * 16 + hex_digit(next[1]));
      continue;
    }
    const Value value = in.value();
    if (value.kind != Value::Kind::bytes) throw TextError("raw takes hexadecimal pairs and \"text\"");
    bytes += value.bytes;
  }
  return bytes;
}

std::string_view without_comment(std::string_view line) {
  bool in_text = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (in_text && line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      in_text = !in_text;
    } else if (line[i] == '#' && !in_text) {
      line = line.substr(0, i);
      break;
    }
  }
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!line.empty() && is_space(line.back())) line.remove_suffix(1);
  while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
  return line;
}

}  // namespace martlet::test
