// The rules of text on the wire.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace martlet::wire {

enum class TextFlaw : std::uint8_t {
  none,
  not_utf8,        // ill-formed, overlong or a surrogate [MQTT-1.5.4-1]
  null_character,  // [MQTT-1.5.4-2]
};

// Whether `text` is well-formed UTF-8 without surrogates [MQTT-1.5.4-1] and without U+0000 [MQTT-1.5.4-2].
bool valid_text(std::string_view text);

// The first flaw of `text`, or none.
TextFlaw find_flaw(ByteView text);

// Whether `text` holds '+' or '#', which no topic name may [MQTT-4.7.1-1].
bool has_wildcard(ByteView text);

}  // namespace martlet::wire
