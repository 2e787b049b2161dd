// Variable header and payload of each packet but PUBLISH: its size, and its bytes. Internal to the room.
#pragma once

#include <cstddef>

#include "wire/packet.h"
#include "wire/writer.h"

namespace martlet::wire {

std::size_t body_size_of(const Connect& packet, bool v5);
std::size_t body_size_of(const Connack& packet, bool v5);
std::size_t body_size_of(const PublishAck& packet, bool v5);
std::size_t body_size_of(const Subscribe& packet, bool v5);
std::size_t body_size_of(const Unsubscribe& packet, bool v5);
std::size_t body_size_of(const FilterAck& packet, bool v5);
std::size_t body_size_of(const Disconnect& packet, bool v5);
std::size_t body_size_of(const Auth& packet, bool v5);
inline std::size_t body_size_of(const Pingreq&, bool) {
  return 0;
}
inline std::size_t body_size_of(const Pingresp&, bool) {
  return 0;
}

void write_body(Writer& out, const Connect& packet, ProtocolVersion version);
void write_body(Writer& out, const Connack& packet, ProtocolVersion version);
void write_body(Writer& out, const PublishAck& packet, ProtocolVersion version);
void write_body(Writer& out, const Subscribe& packet, ProtocolVersion version);
void write_body(Writer& out, const Unsubscribe& packet, ProtocolVersion version);
void write_body(Writer& out, const FilterAck& packet, ProtocolVersion version);
void write_body(Writer& out, const Disconnect& packet, ProtocolVersion version);
void write_body(Writer& out, const Auth& packet, ProtocolVersion version);
inline void write_body(Writer&, const Pingreq&, ProtocolVersion) {}
inline void write_body(Writer&, const Pingresp&, ProtocolVersion) {}

// PUBLISH has an encoder of its own; these are never called.
inline std::size_t body_size_of(const Publish&, bool) {
  return 0;
}
inline void write_body(Writer&, const Publish&, ProtocolVersion) {}

}  // namespace martlet::wire
