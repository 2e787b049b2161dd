// Bytes to packets. Hostile bytes are normal input: every rule of the format is checked here and a breach is answered
// with the reason code that the specification names.
#pragma once

#include <cstdint>
#include <tl/expected.hpp>

#include "base/bytes.h"
#include "wire/packet.h"

namespace martlet::wire {

struct DecodeError {
  ReasonCode reason = ReasonCode::malformed_packet;
  const char* clause = "";  // for example "MQTT-3.3.1-4"; a section such as "3.1.2" where no statement has a number
  const char* what = "";    // which rule, in a few words, for the log
  // The version in which an answer can be understood: the connection's, or the one that a CONNECT named before it
  // broke.
  ProtocolVersion version = ProtocolVersion::v5_0;
};

// Decodes one packet whose fixed header starts with `first_byte` and whose remaining bytes are exactly `body`.
// `version` is the connection's (ignored for CONNECT, which names its own); `sender` is the side that wrote it. The
// packet's views point into `body`. Nothing is allocated. A PUBLISH whose topic holds a wildcard gives
// topic_name_invalid [MQTT-3.3.2-2]. Topic filters are checked as text only, so that SUBACK can refuse a bad one alone.
tl::expected<Packet, DecodeError> decode(std::uint8_t first_byte, ByteView body, ProtocolVersion version,
                                         Sender sender);

// Whether `text` is well-formed UTF-8 without surrogates [MQTT-1.5.4-1] and without U+0000 [MQTT-1.5.4-2].
bool valid_text(std::string_view text);

}  // namespace martlet::wire
