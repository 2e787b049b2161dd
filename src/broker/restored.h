// What comes back from disk at the start, in the terms of records.h.
#pragma once

#include <cstdint>
#include <string>

#include "broker/records.h"
#include "session/delivery.h"
#include "session/outgoing.h"

namespace martlet::broker {

struct RestoredSession {
  std::uint64_t key = 0;
  std::string client_id;
  std::uint32_t expiry_s = 0;
  std::uint64_t cursor = 0;
  std::int64_t away_since_wall_ms = 0;  // 0: it was connected
};

struct RestoredSubscription {
  std::uint64_t key = 0;
  std::string filter;
  wire::SubscriptionOptions options;
  std::uint32_t identifier = 0;
};

// An incoming QoS 2 identifier that was not released.
struct RestoredExchange {
  std::uint64_t key = 0;
  std::uint16_t packet_id = 0;
};

// A delivery that is not finished. `packet_id` is 0 if it waits; else it was in flight at QoS 2, `received` by the peer
// or not.
struct RestoredDelivery {
  std::uint64_t key = 0;
  std::string share;
  session::Delivery delivery;
  std::uint16_t packet_id = 0;
  bool received = false;
};

}  // namespace martlet::broker
