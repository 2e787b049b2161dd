// Why a topic name or filter is refused. UTF-8 itself is checked by wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace martlet::topic {

// Both are UTF-8 strings with a two-byte length [MQTT-4.7.3-3].
inline constexpr std::size_t kMaxTextBytes = 65535;

enum class Validity : std::uint8_t {
  ok,
  empty,                 // [MQTT-4.7.3-1]
  too_long,              // [MQTT-4.7.3-3]
  has_null,              // [MQTT-4.7.3-2]
  wildcard_in_name,      // [MQTT-4.7.0-1], [MQTT-3.3.2-2]
  misplaced_hash,        // [MQTT-4.7.1-1]
  misplaced_plus,        // [MQTT-4.7.1-2]
  too_deep,              // more levels than this server allows
  share_name_empty,      // [MQTT-4.8.2-1]
  share_name_wildcard,   // [MQTT-4.8.2-2]
  share_filter_missing,  // [MQTT-4.8.2-2]
};

// One short phrase for logs and reason strings, e.g. "'#' is not a whole last level".
std::string_view to_text(Validity validity);

}  // namespace martlet::topic
