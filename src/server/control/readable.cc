#include "server/control/readable.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/printable.h"

namespace martlet::server {
namespace {

using nlohmann::json;

constexpr std::string_view kPlainMarks = "_.:/-+#$@[]";

bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || kPlainMarks.find(c) != std::string_view::npos;
  });
}

std::string as_line(std::string_view text) {
  std::string line;
  append_line_text(line, text, kAllChars);
  return line;
}

// A whole line of its own: of the broker, with what it quotes already quoted.
std::string text_of(const json& value) {
  return as_line(value.is_string() ? value.get_ref<const std::string&>() : safe_json(value));
}

std::string cell_of(const json& value) {
  if (!value.is_string()) return text_of(value);
  const std::string& text = value.get_ref<const std::string&>();
  return is_plain(text) ? text : fmt::format("\"{}\"", printable(text, kAllChars));
}

std::string row_of(const json& row) {
  if (!row.is_object()) return text_of(row);
  std::string text;
  for (const auto& [field, cell] : row.items()) {
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", as_line(field), cell_of(cell));
  }
  return text;
}

}  // namespace

std::string readable(const json& answer) {
  std::string text;
  for (const auto& [field, value] : answer.items()) {
    if (field == "ok") continue;
    const std::string name = as_line(field);
    if (!value.is_array()) {
      text += fmt::format("{}: {}\n", name, text_of(value));
      continue;
    }
    if (value.empty()) text += fmt::format("{}: none\n", name);
    for (const json& row : value) {
      text += row.is_object() ? row_of(row) + "\n" : fmt::format("{}: {}\n", name, row_of(row));
    }
  }
  return text.empty() ? "done\n" : text;
}

std::string safe_json(const json& answer) {
  return answer.dump(-1, ' ', true, json::error_handler_t::replace);
}

}  // namespace martlet::server
