// A message of `martlet prove`: which one it is, and its bytes, which say so and carry a hash over all of them.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "wire/types.h"

namespace martlet::tools::prove {

struct MessageId {
  std::uint32_t publisher = 0;
  std::uint32_t topic = 0;  // of this publisher
  wire::QoS qos = wire::QoS::at_least_once;
  std::uint64_t sequence = 0;  // from 0, one by one for each publisher, topic and QoS

  auto operator<=>(const MessageId&) const = default;
};

inline constexpr std::size_t kLeastPayloadBytes = 40;

// `bytes` long, kLeastPayloadBytes at least. `run` tells runs apart.
std::string make_payload(std::uint64_t run, const MessageId& id, std::size_t bytes);
// Nothing if any byte of it is not as it was made, or if it belongs to another run.
std::optional<MessageId> read_payload(std::uint64_t run, ByteView payload);

}  // namespace martlet::tools::prove
