// JSON from strangers.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

namespace martlet::auth {

// The object that `text` holds; nothing if it is not JSON, not an object, or nested deeper than 16.
std::optional<nlohmann::json> parse_json_object(std::string_view text);

}  // namespace martlet::auth
