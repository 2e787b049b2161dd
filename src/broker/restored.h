// What comes back from disk at the start, in the terms of records.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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
  std::uint64_t maybe_sent_below = 0;
  std::string username;
  std::string listener;  // empty: the first one
};

struct RestoredSubscription {
  std::uint64_t key = 0;
  std::string filter;
  wire::SubscriptionOptions options;
  std::uint32_t identifier = 0;
  std::optional<std::string> retained_from;  // as SubscriptionChanged's
};

// An incoming QoS 2 identifier that was not released.
struct RestoredExchange {
  std::uint64_t key = 0;
  std::uint16_t packet_id = 0;
};

// A delivery that waits. `logged.origin` is not known yet: `share` names the shared subscription, empty for none.
struct RestoredDelivery {
  std::uint64_t key = 0;
  std::string_view share;
  session::LoggedDelivery logged;
  std::size_t footprint_bytes = 0;  // of the delivery with its message
};

// A QoS 2 delivery that was in flight, `received` by the peer or not.
struct RestoredFlight {
  std::uint64_t key = 0;
  std::string_view share;
  session::Delivery delivery;
  std::uint16_t packet_id = 0;
  bool received = false;
};

}  // namespace martlet::broker
