// The rules of text on the wire. Internal to the room, except valid_text() in decode.h.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace martlet::wire {

enum class TextFlaw : std::uint8_t {
  none,
  not_utf8,        // ill-formed, overlong or a surrogate [MQTT-1.5.4-1]
  null_character,  // [MQTT-1.5.4-2]
};

// The first flaw of `text`, or none.
TextFlaw find_flaw(ByteView text);

// Whether `text` holds '+' or '#', which no topic name may [MQTT-4.7.1-1].
bool has_wildcard(ByteView text);

}  // namespace martlet::wire
