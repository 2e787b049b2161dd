// Who is owed a message: matches subscriptions and brings several of one client together.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "broker/options.h"
#include "broker/session.h"
#include "topic/subscription_index.h"
#include "wire/packet.h"

namespace martlet::broker {

// Subscriber identifiers of the index from here on are shared subscriptions, not sessions.
inline constexpr std::uint32_t kGroupBit = 0x8000'0000;

// One copy to make: for a session, or for one member of a shared subscription.
struct Target {
  Session* session = nullptr;  // null: shared
  std::uint32_t group = 0;
  wire::QoS qos = wire::QoS::at_most_once;  // the highest granted among the subscriptions that matched
  bool retain_as_published = false;
  std::uint32_t first_identifier = 0;  // index of its chain in identifiers, counted from 1; 0: none
};

class Router {
 public:
  Router(SessionTable& sessions, OverlapDelivery overlap, std::uint64_t seed)
      : sessions_(sessions), overlap_(overlap), index_(seed) {}

  topic::SubscriptionIndex& index() { return index_; }
  const topic::SubscriptionIndex& index() const { return index_; }

  // The copies that `topic` from the client with the hash `publisher` (0: none) is owed, no-local applied
  // [MQTT-3.8.3-3]. Valid until the next call. Does not allocate once its scratch has grown.
  std::span<const Target> match(std::string_view topic, std::uint64_t publisher);
  // Subscriptions that the last match met.
  std::uint64_t visited() const { return visited_; }
  // The subscription identifiers of a target of the last match. Valid until the next call.
  std::span<const std::uint32_t> identifiers_of(const Target& target);

 private:
  struct IdentifierLink {
    std::uint32_t identifier;
    std::uint32_t next;
  };
  void add_session(Session& session, const topic::Subscription& subscription);
  void add_identifier(Target& target, std::uint32_t identifier);

  SessionTable& sessions_;
  OverlapDelivery overlap_;
  topic::SubscriptionIndex index_;
  std::uint64_t round_ = 0;
  std::uint64_t visited_ = 0;
  std::vector<Target> targets_;
  std::vector<IdentifierLink> links_;
  std::vector<std::uint32_t> identifiers_;
};

}  // namespace martlet::broker
