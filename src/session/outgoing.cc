#include "session/outgoing.h"

#include <algorithm>

#include "base/check.h"

namespace martlet::session {
namespace {

constexpr std::uint32_t kFirstSlots = 4;
constexpr std::uint32_t kMostSlots = 65'536;

bool acknowledged(const Delivery& delivery) {
  return delivery.qos != wire::QoS::at_most_once;
}

}  // namespace

void Outgoing::enqueue(Delivery delivery, const QueueLimits& limits, const Now& now, DeliveryObserver& observer) {
  const std::uint64_t bytes = delivery.footprint_bytes();
  RingQueue<Delivery>& waiting = acknowledged(delivery) ? waiting_acknowledged_ : waiting_qos0_;
  const auto fits = [&] {
    return waiting_messages() < limits.max_messages && waiting_bytes_ + bytes <= limits.max_bytes;
  };
  // What can never fit gets no room made.
  const bool may_fit = limits.max_messages > 0 && bytes <= limits.max_bytes;
  if (may_fit && !fits()) make_room(delivery, limits.policy, fits, now, observer);
  if (!fits()) return observer.dropped(delivery, DropReason::queue_full);
  observer.queued(delivery);
  waiting_bytes_ += bytes;
  if (delivery.origin != 0) ++with_origin_;
  first_expiry_ms_ = std::min(first_expiry_ms_, delivery.message->facts().expires_at_ms);
  waiting.push_back(std::move(delivery));
}

template <class Fits>
void Outgoing::make_room(const Delivery& delivery, DropPolicy policy, Fits&& fits, const Now& now,
                         DeliveryObserver& observer) {
  if (first_expiry_ms_ <= now.mono_ms) drop_expired(now, observer);
  while (!fits() && acknowledged(delivery) && !waiting_qos0_.empty()) {
    drop_oldest(waiting_qos0_, DropReason::queue_full, observer);
  }
  RingQueue<Delivery>& waiting = acknowledged(delivery) ? waiting_acknowledged_ : waiting_qos0_;
  while (!fits() && policy == DropPolicy::drop_oldest && !waiting.empty()) {
    drop_oldest(waiting, DropReason::queue_full, observer);
  }
}

void Outgoing::drop_oldest(RingQueue<Delivery>& waiting, DropReason reason, DeliveryObserver& observer) {
  const Delivery oldest = waiting.pop_front();
  forget_waiting(oldest);
  observer.dropped(oldest, reason);
}

void Outgoing::drop_waiting_qos0(DropReason reason, DeliveryObserver& observer) {
  while (!waiting_qos0_.empty()) drop_oldest(waiting_qos0_, reason, observer);
}

void Outgoing::drop_expired(const Now& now, DeliveryObserver& observer) {
  first_expiry_ms_ = kNever;
  for (RingQueue<Delivery>* waiting : {&waiting_acknowledged_, &waiting_qos0_}) {
    waiting->extract_if(
        [&](const Delivery& delivery) {
          if (delivery.message->expired(now)) return true;
          first_expiry_ms_ = std::min(first_expiry_ms_, delivery.message->facts().expires_at_ms);
          return false;
        },
        [&](const Delivery& delivery) {
          forget_waiting(delivery);
          observer.dropped(delivery, DropReason::expired);
        });
  }
}

Delivery Outgoing::take_waiting(bool acknowledged) {
  Delivery delivery = (acknowledged ? waiting_acknowledged_ : waiting_qos0_).pop_front();
  forget_waiting(delivery);
  return delivery;
}

InFlight& Outgoing::begin(Delivery delivery) {
  InFlight& entry = slot_for_new();
  if (delivery.origin != 0) ++with_origin_;
  entry.delivery = std::move(delivery);
  entry.sequence = next_sequence_++;
  entry.state = FlightState::published;
  return entry;
}

void Outgoing::restore(Delivery delivery, std::uint16_t packet_id, FlightState state) {
  while (capacity_ == 0 || slots_[packet_id & (capacity_ - 1)].state != FlightState::free) grow();
  InFlight& entry = slots_[packet_id & (capacity_ - 1)];
  if (delivery.origin != 0) ++with_origin_;
  entry.delivery = std::move(delivery);
  entry.packet_id = packet_id;
  entry.sequence = next_sequence_++;
  entry.state = state;
  entry.dup = true;
  last_id_ = packet_id;
  ++used_;
}

std::uint64_t Outgoing::lowest_position() const {
  std::uint64_t lowest = 0;
  const auto take = [&](const Delivery& delivery) {
    if (delivery.position != 0 && (lowest == 0 || delivery.position < lowest)) lowest = delivery.position;
  };
  for (std::uint32_t i = 0; i < capacity_; ++i) {
    if (slots_[i].state != FlightState::free) take(slots_[i].delivery);
  }
  for (std::size_t i = 0; i < waiting_acknowledged_.size(); ++i) take(waiting_acknowledged_[i]);
  return lowest;
}

std::uint16_t Outgoing::begin_request() {
  if (!identifiers_left()) return 0;
  InFlight& entry = slot_for_new();
  entry.sequence = next_sequence_++;
  entry.state = FlightState::request;
  return entry.packet_id;
}

InFlight& Outgoing::slot_for_new() {
  check(identifiers_left(), "a packet identifier is free");
  if (capacity_ < kMostSlots && used_ * 2 >= capacity_) grow();
  for (;;) {
    ++last_id_;
    if (last_id_ == 0) continue;
    InFlight& entry = slots_[last_id_ & (capacity_ - 1)];
    if (entry.state != FlightState::free) continue;
    entry.packet_id = last_id_;
    ++used_;
    return entry;
  }
}

void Outgoing::grow() {
  const std::uint32_t capacity = capacity_ == 0 ? kFirstSlots : capacity_ * 2;
  auto slots = std::make_unique<InFlight[]>(capacity);
  // Identifiers that differ in their low bits still do with one bit more.
  for (std::uint32_t i = 0; i < capacity_; ++i) {
    if (slots_[i].state == FlightState::free) continue;
    slots[slots_[i].packet_id & (capacity - 1)] = std::move(slots_[i]);
  }
  slots_ = std::move(slots);
  capacity_ = capacity;
}

InFlight* Outgoing::find(std::uint16_t packet_id) {
  if (capacity_ == 0) return nullptr;
  InFlight& entry = slots_[packet_id & (capacity_ - 1)];
  return entry.state != FlightState::free && entry.packet_id == packet_id ? &entry : nullptr;
}

void Outgoing::end(InFlight& entry) {
  if (entry.delivery.origin != 0) --with_origin_;
  entry = InFlight();
  --used_;
  if (used_ == 0 && capacity_ > 64) {
    slots_.reset();
    capacity_ = 0;
  }
}

std::vector<std::uint16_t> Outgoing::in_order() const {
  std::vector<const InFlight*> entries;
  for (std::uint32_t i = 0; i < capacity_; ++i) {
    if (slots_[i].state != FlightState::free) entries.push_back(&slots_[i]);
  }
  std::sort(entries.begin(), entries.end(),
            [](const InFlight* a, const InFlight* b) { return a->sequence < b->sequence; });
  std::vector<std::uint16_t> ids;
  ids.reserve(entries.size());
  for (const InFlight* entry : entries) ids.push_back(entry->packet_id);
  return ids;
}

void Outgoing::restart() {
  resend_.clear();
  resend_at_ = 0;
  for (std::uint16_t packet_id : in_order()) {
    InFlight& entry = *find(packet_id);
    if (entry.state == FlightState::request) {
      end(entry);
      continue;
    }
    entry.on_wire = false;
    entry.in_window = false;
    resend_.push_back(packet_id);
  }
  std::stable_partition(resend_.begin(), resend_.end(),
                        [this](std::uint16_t packet_id) { return find(packet_id)->state != FlightState::published; });
}

InFlight* Outgoing::next_to_resend() {
  for (; resend_at_ < resend_.size(); ++resend_at_) {
    InFlight* entry = find(resend_[resend_at_]);
    if (entry && !entry->on_wire) return entry;
  }
  if (!resend_.empty()) {
    resend_ = {};
    resend_at_ = 0;
  }
  return nullptr;
}

}  // namespace martlet::session
