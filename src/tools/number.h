// Numbers in options: all of the text, within bounds.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace martlet::tools {

template <class T>
std::optional<T> parse_number(std::string_view text, T least, T most) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  // Written so that a NaN is out of bounds too.
  if (error != std::errc() || stop != end || !(value >= least && value <= most)) return std::nullopt;
  return value;
}

}  // namespace martlet::tools
