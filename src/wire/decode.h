// Bytes to packets. Hostile bytes are normal input: every rule of the format is checked here and a breach is answered
// with the reason code that the specification names.
#pragma once

#include <cstdint>
#include <tl/expected.hpp>

#include "base/bytes.h"
#include "wire/decode_error.h"
#include "wire/packet.h"
#include "wire/text.h"  // valid_text(), for those who check text before it becomes a packet

namespace martlet::wire {

// Decodes one packet whose fixed header starts with `first_byte` and whose remaining bytes are exactly `body`.
// `version` is the connection's (ignored for CONNECT, which names its own); `sender` is the side that wrote it. The
// packet's views point into `body`. Nothing is allocated. A PUBLISH whose topic holds a wildcard gives
// topic_name_invalid [MQTT-3.3.2-2]. Topic filters are checked as text only, so that SUBACK can refuse a bad one alone.
tl::expected<Packet, DecodeError> decode(std::uint8_t first_byte, ByteView body, ProtocolVersion version,
                                         Sender sender);

}  // namespace martlet::wire
