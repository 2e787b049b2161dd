// Every message of a run, as its publisher knows it, and the bytes that carry its number.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "sim/catalog.h"
#include "wire/types.h"

namespace martlet::sim {

using MessageId = std::uint32_t;
using Step = std::uint32_t;
inline constexpr Step kNoStep = ~Step{0};

struct Message {
  std::uint8_t publisher = 0;
  TopicId topic = 0;
  wire::QoS qos = wire::QoS::at_most_once;
  bool retain = false;
  bool erases = false;  // retained, without a payload
  bool will = false;
  bool acknowledged = false;
  bool refused = false;
  bool forgotten = false;  // perhaps: it was acknowledged before it was safe from what happened
  std::uint8_t times_sent = 1;
  Step sent = 0;                   // for the first time
  Step settled = kNoStep;          // from here on the broker does not take it (again)
  DeadlineMs expires_ms = kNever;  // at the earliest, on the wall clock
  std::uint16_t size_bytes = 0;
  std::uint32_t got = 0;               // bit per client to whose application it was handed
  std::uint32_t got_exactly_once = 0;  // at QoS 2 in its present session
  std::uint64_t position = 0;          // in the log, 0: none
};

// The payload names the message and is filled up to its size with what can be told from the number.
inline constexpr std::uint16_t kLeastPayloadBytes = 8;

inline void write_payload(MessageId id, std::uint16_t size_bytes, std::vector<std::uint8_t>& to) {
  to.clear();
  for (int shift = 0; shift < 32; shift += 8) to.push_back(static_cast<std::uint8_t>(id >> shift));
  while (to.size() < size_bytes) to.push_back(static_cast<std::uint8_t>(id * 31 + to.size()));
}

// Nothing if no message has these bytes.
inline std::optional<MessageId> read_payload(ByteView bytes, const std::vector<Message>& messages) {
  if (bytes.size() < kLeastPayloadBytes) return std::nullopt;
  MessageId id = 0;
  for (unsigned i = 0; i < 4; ++i) id |= static_cast<MessageId>(bytes[i]) << (8 * i);
  if (id >= messages.size() || bytes.size() != messages[id].size_bytes) return std::nullopt;
  for (std::size_t i = 4; i < bytes.size(); ++i) {
    if (bytes[i] != static_cast<std::uint8_t>(id * 31 + i)) return std::nullopt;
  }
  return id;
}

}  // namespace martlet::sim
