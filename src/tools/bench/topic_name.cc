#include "tools/bench/topic_name.h"

#include <fmt/format.h>

namespace martlet::tools::bench {

std::string topic_name(std::string_view prefix, std::uint64_t number, bool padded) {
  return fmt::format("{}/{:0{}}", prefix, number, padded ? kTopicDigits : 1);
}

std::optional<std::uint64_t> topic_number(std::string_view topic, std::string_view prefix, bool padded) {
  constexpr std::size_t kMostDigits = 19;
  if (topic.size() < prefix.size() + 2 || !topic.starts_with(prefix) || topic[prefix.size()] != '/') {
    return std::nullopt;
  }
  const std::string_view digits = topic.substr(prefix.size() + 1);
  if (padded ? digits.size() != kTopicDigits : digits.size() > kMostDigits) return std::nullopt;
  if (!padded && digits.size() > 1 && digits[0] == '0') return std::nullopt;
  std::uint64_t number = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  return number;
}

}  // namespace martlet::tools::bench
