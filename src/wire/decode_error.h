// Why bytes are not a legal packet.
#pragma once

#include "wire/reason.h"
#include "wire/types.h"

namespace martlet::wire {

struct DecodeError {
  ReasonCode reason = ReasonCode::malformed_packet;
  const char* clause = "";  // for example "MQTT-3.3.1-4"; a section such as "3.1.2" where no statement has a number
  const char* what = "";    // which rule, in a few words, for the log
  // The version in which an answer can be understood: the connection's, or the one that a CONNECT named before it
  // broke.
  ProtocolVersion version = ProtocolVersion::v5_0;
};

}  // namespace martlet::wire
