// A message owed to one receiver: which message, and how this receiver gets it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include "base/block.h"
#include "base/ticket.h"
#include "session/backlog.h"
#include "session/message.h"

namespace martlet::session {

// The subscription identifiers that go with a delivery [MQTT-3.3.4-3]: mostly none or one, so one word holds those and
// only several take memory, from the pool of blocks.
class SubscriptionIdentifiers {
 public:
  SubscriptionIdentifiers() = default;
  explicit SubscriptionIdentifiers(std::span<const std::uint32_t> identifiers) {
    if (identifiers.empty()) return;
    if (identifiers.size() == 1) {
      first_ = identifiers[0];
      count_ = 1;
      return;
    }
    many_ = BlockRef::adopt(allocate_block(identifiers.size_bytes()));
    std::copy(identifiers.begin(), identifiers.end(), reinterpret_cast<std::uint32_t*>(many_->data()));
    count_ = static_cast<std::uint32_t>(identifiers.size());
  }

  std::span<const std::uint32_t> view() const {
    return {count_ > 1 ? reinterpret_cast<const std::uint32_t*>(many_->data()) : &first_, count_};
  }

 private:
  BlockRef many_;
  std::uint32_t first_ = 0;
  std::uint32_t count_ = 0;
};

// `origin` is the owner's mark of where the delivery comes from (for the broker: the shared subscription), 0 for none.
// `position` is the place in the durable log of which the owner keeps account, 0 for none.
struct Delivery {
  MessageRef message;
  SubscriptionIdentifiers identifiers;
  std::uint64_t position = 0;
  std::uint32_t origin = 0;
  wire::QoS qos = wire::QoS::at_most_once;
  bool retain = false;

  // As far as `logged` tells: without message, and without identifiers if they are many.
  static Delivery from(const LoggedDelivery& logged) {
    Delivery delivery;
    delivery.position = logged.position;
    delivery.origin = logged.origin;
    delivery.qos = logged.qos;
    delivery.retain = logged.retain;
    if (logged.identifier != 0 && logged.identifier != kManyIdentifiers) {
      delivery.identifiers = SubscriptionIdentifiers({&logged.identifier, 1});
    }
    return delivery;
  }
  // What names it once its message is left to the log.
  LoggedDelivery logged() const {
    const std::span<const std::uint32_t> known = identifiers.view();
    const std::uint32_t identifier = known.empty() ? 0 : known.size() == 1 ? known.front() : kManyIdentifiers;
    return {position, origin, identifier, qos, retain};
  }

  // Memory that it takes while it waits.
  std::size_t footprint_bytes() const {
    const std::size_t identifiers_count = identifiers.view().size();
    const std::size_t identifiers_bytes = identifiers_count > 1 ? identifiers_count * sizeof(std::uint32_t) : 0;
    return sizeof(Delivery) + identifiers_bytes + message->footprint_bytes();
  }
};

enum class DropReason : std::uint8_t {
  expired,     // its message expiry passed before it was sent [MQTT-3.3.2-5]
  queue_full,  // the session's bound on messages or bytes
  too_large,   // above the receiver's maximum packet size [MQTT-3.1.2-25]
  offline,     // QoS 0 for a session that is not connected
  hidden,      // its topic does not lie below the receiver's prefix
};

// Hears what becomes of deliveries while they are handed in or sent. Called in the middle of an operation: it may
// record, it must not call back into the session.
class DeliveryObserver {
 public:
  virtual ~DeliveryObserver() = default;
  // A QoS 2 message is about to be sent for the first time under `packet_id`; the PUBLISH leaves when the ticket is
  // resolved, so that the identifier survives a crash with the receiver's knowledge of it.
  virtual Ticket about_to_send(const Delivery& delivery, std::uint16_t packet_id) {
    (void)delivery, (void)packet_id;
    return Ticket::done();
  }
  // Reads deliveries that wait in the log back: fills `to` with what `from` names, in order, and returns how many, at
  // least one unless the log cannot be read now. One without a message cannot be had any more; its loss is recorded.
  // `to` is as long as `from`.
  virtual std::size_t load(std::span<const LoggedDelivery> from, std::span<Delivery> to) {
    (void)from, (void)to;
    return 0;
  }
  virtual void sent(const Delivery& delivery) = 0;
  virtual void queued(const Delivery& delivery) = 0;
  virtual void dropped(const Delivery& delivery, DropReason reason) = 0;
};

}  // namespace martlet::session
