#include "wire/types.h"

namespace martlet::wire {

const char* packet_name(PacketType type) {
  static constexpr const char* kNames[16] = {"RESERVED", "CONNECT",  "CONNACK",    "PUBLISH", "PUBACK",      "PUBREC",
                                             "PUBREL",   "PUBCOMP",  "SUBSCRIBE",  "SUBACK",  "UNSUBSCRIBE", "UNSUBACK",
                                             "PINGREQ",  "PINGRESP", "DISCONNECT", "AUTH"};
  return kNames[static_cast<unsigned>(type) & 15];
}

const char* version_name(ProtocolVersion version) {
  switch (version) {
    case ProtocolVersion::v3_1:
      return "3.1";
    case ProtocolVersion::v3_1_1:
      return "3.1.1";
    case ProtocolVersion::v5_0:
      return "5.0";
  }
  return "unknown";
}

}  // namespace martlet::wire
