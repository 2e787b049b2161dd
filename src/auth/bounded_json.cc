#include "auth/bounded_json.h"

#include <nlohmann/json.hpp>

namespace martlet::auth {
namespace {

constexpr int kMaxDepth = 16;

}  // namespace

std::optional<nlohmann::json> parse_json_object(std::string_view text) {
  bool too_deep = false;
  // What is too deep is dropped as it is read.
  const auto keep = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  auto value = nlohmann::json::parse(text.begin(), text.end(), keep, false);
  if (too_deep || value.is_discarded() || !value.is_object()) return std::nullopt;
  return value;
}

}  // namespace martlet::auth
