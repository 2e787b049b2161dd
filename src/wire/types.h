// The small enumerations of MQTT that everything above the wire speaks in.
#pragma once

#include <cstdint>

namespace martlet::wire {

// Protocol level as CONNECT carries it [3.1.2.2].
enum class ProtocolVersion : std::uint8_t { v3_1 = 3, v3_1_1 = 4, v5_0 = 5 };

enum class QoS : std::uint8_t { at_most_once = 0, at_least_once = 1, exactly_once = 2 };

// Upper nibble of the fixed header's first byte.
enum class PacketType : std::uint8_t {
  connect = 1,
  connack = 2,
  publish = 3,
  puback = 4,
  pubrec = 5,
  pubrel = 6,
  pubcomp = 7,
  subscribe = 8,
  suback = 9,
  unsubscribe = 10,
  unsuback = 11,
  pingreq = 12,
  pingresp = 13,
  disconnect = 14,
  auth = 15,
};

// Which side wrote a packet: some properties, reason codes and packets are legal from one side only.
enum class Sender : std::uint8_t { client, server };

// The largest packet that the remaining-length field can describe, fixed header excluded [2.1.4].
inline constexpr std::uint32_t kMaxRemainingLength = 268'435'455;
// The largest whole packet: first byte, four length bytes, and the rest.
inline constexpr std::uint32_t kMaxPacketBytes = kMaxRemainingLength + 5;

// Longest string or binary field [1.5.4], [1.5.6].
inline constexpr std::uint32_t kMaxTextBytes = 65'535;

// The specification's name in upper case, for example "PUBLISH"; "RESERVED" for 0.
const char* packet_name(PacketType type);
// "3.1", "3.1.1" or "5.0".
const char* version_name(ProtocolVersion version);

}  // namespace martlet::wire
