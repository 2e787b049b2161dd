// MQTT packets as scenario lines. What a client sends is written here without the wire room's encoder, so that a test
// can break every rule; what the broker sends is read by the wire room's decoder, which checks every rule.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "tests/support/text_value.h"
#include "wire/packet.h"

namespace martlet::test {

// A packet as its fields, in the order of a scenario line.
struct PacketText {
  std::string name;  // "CONNACK"
  std::vector<Field> fields;
  bool others_allowed = false;  // "...": fields that are not mentioned may have any value
};

// Reads "PUBLISH topic="t" qos=1 pid=1 ..."; TextError if it cannot be read.
PacketText parse_packet(std::string_view line, const Variables& variables);

// The bytes of a packet from a client. `version` is the connection's; a CONNECT changes it to its own.
std::string encode_text(const PacketText& packet, wire::ProtocolVersion& version);

// A packet of the broker as fields, all of them, defaults included.
PacketText describe(const wire::Packet& packet);

// As a scenario line: what has its default value is left out.
std::string render(const PacketText& packet);

// Whether `actual` (of describe()) is what `expected` asks for; binds captures. An empty string, or which field
// differs.
std::string difference(const PacketText& expected, const PacketText& actual, Variables& variables);

}  // namespace martlet::test
