#include "session/outgoing.h"

#include <algorithm>

#include "base/check.h"

namespace martlet::session {
namespace {

constexpr std::uint32_t kFirstSlots = 4;
constexpr std::uint32_t kMostSlots = 65'536;
// What is read back from the log at a time.
constexpr std::size_t kFetchMessages = 64;

bool acknowledged(const Delivery& delivery) {
  return delivery.qos != wire::QoS::at_most_once;
}

}  // namespace

void Outgoing::enqueue(Delivery delivery, const QueueLimits& limits, const Now& now, DeliveryObserver& observer) {
  if (acknowledged(delivery) && delivery.position != 0) return enqueue_logged(delivery, limits, now, observer);
  const std::uint64_t bytes = delivery.footprint_bytes();
  RingQueue<Delivery>& waiting = acknowledged(delivery) ? waiting_acknowledged_ : waiting_qos0_;
  const auto fits = [&] {
    const std::size_t messages = waiting_acknowledged_.size() + waiting_qos0_.size();
    return messages < limits.max_messages && waiting_bytes_ + bytes <= limits.max_bytes;
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

bool Outgoing::fits_log(const QueueLimits& limits, std::uint64_t bytes) const {
  const std::size_t messages = waiting_acknowledged_.size() + backlog_.size();
  return (limits.max_owed_messages == 0 || messages < limits.max_owed_messages) &&
         (limits.max_owed_bytes == 0 || waiting_bytes() + bytes <= limits.max_owed_bytes);
}

void Outgoing::enqueue_logged(const Delivery& delivery, const QueueLimits& limits, const Now& now,
                              DeliveryObserver& observer) {
  const std::uint64_t bytes = delivery.footprint_bytes();
  const bool may_fit = limits.max_owed_bytes == 0 || bytes <= limits.max_owed_bytes;
  while (may_fit && !fits_log(limits, bytes) && fetch(observer)) {
    const std::size_t before = waiting_acknowledged_.size();
    drop_expired(now, observer);
    if (waiting_acknowledged_.size() < before) continue;
    if (limits.policy == DropPolicy::drop_newest) break;
    drop_oldest(waiting_acknowledged_, DropReason::queue_full, observer);
  }
  if (!fits_log(limits, bytes)) return observer.dropped(delivery, DropReason::queue_full);
  observer.queued(delivery);
  restore_waiting(delivery.logged(), bytes);
}

void Outgoing::restore_waiting(const LoggedDelivery& delivery, std::size_t footprint_bytes) {
  backlog_.push_back(delivery);
  logged_bytes_ += footprint_bytes;
  if (delivery.origin != 0) ++with_origin_;
}

void Outgoing::put_back(std::span<const Delivery> given, std::uint64_t bytes_each) {
  Backlog merged;
  auto next = given.begin();
  backlog_.for_each([&](const LoggedDelivery& delivery) {
    for (; next != given.end() && next->position < delivery.position; ++next) merged.push_back(next->logged());
    merged.push_back(delivery);
  });
  for (; next != given.end(); ++next) merged.push_back(next->logged());
  backlog_ = std::move(merged);
  logged_bytes_ += given.size() * bytes_each;
  for (const Delivery& delivery : given) with_origin_ += delivery.origin != 0;
}

void Outgoing::forget_logged(std::uint64_t bytes) {
  logged_bytes_ = backlog_.empty() ? 0 : logged_bytes_ - std::min(logged_bytes_, bytes);
}

bool Outgoing::fetch(DeliveryObserver& observer) {
  while (waiting_acknowledged_.empty() && !backlog_.empty()) {
    LoggedDelivery wanted[kFetchMessages];
    std::size_t count = 0;
    while (count < kFetchMessages && !backlog_.empty()) {
      wanted[count++] = backlog_.front();
      backlog_.pop_front();
    }
    Delivery loaded[kFetchMessages];
    const std::size_t done = observer.load({wanted, count}, {loaded, count});
    while (count > done) backlog_.push_front(wanted[--count]);
    if (done == 0) return false;
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < done; ++i) {
      if (!loaded[i].message) {
        if (wanted[i].origin != 0) --with_origin_;
        continue;
      }
      const std::uint64_t footprint = loaded[i].footprint_bytes();
      bytes += footprint;
      waiting_bytes_ += footprint;
      first_expiry_ms_ = std::min(first_expiry_ms_, loaded[i].message->facts().expires_at_ms);
      waiting_acknowledged_.push_back(std::move(loaded[i]));
    }
    forget_logged(bytes);
  }
  return !waiting_acknowledged_.empty();
}

void Outgoing::unload() {
  std::vector<Delivery> fetched;
  waiting_acknowledged_.extract_if([](const Delivery& delivery) { return delivery.position != 0; },
                                   [&](Delivery delivery) { fetched.push_back(std::move(delivery)); });
  for (auto delivery = fetched.rbegin(); delivery != fetched.rend(); ++delivery) {
    const std::uint64_t bytes = delivery->footprint_bytes();
    waiting_bytes_ -= bytes;
    logged_bytes_ += bytes;
    backlog_.push_front(delivery->logged());
  }
}

bool Outgoing::full(const QueueLimits& limits) const {
  const std::size_t messages = waiting_acknowledged_.size() + waiting_qos0_.size();
  return messages >= limits.max_messages || waiting_bytes_ >= limits.max_bytes || !fits_log(limits, 1);
}

std::size_t Outgoing::cut_below(std::uint64_t position) {
  std::size_t cut = 0;
  waiting_acknowledged_.extract_if(
      [&](const Delivery& delivery) { return delivery.position != 0 && delivery.position < position; },
      [&](const Delivery& delivery) {
        forget_waiting(delivery);
        ++cut;
      });
  const std::size_t before = backlog_.size();
  if (before == 0) return cut;
  if (with_origin_ == 0) {
    const std::size_t dropped = backlog_.drop_below(position);
    forget_logged(logged_bytes_ / before * dropped);
    return cut + dropped;
  }
  remove_logged([&](const LoggedDelivery& delivery) { return delivery.position < position; });
  return cut + before - backlog_.size();
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

void Outgoing::put_in_flight(InFlight& entry, Delivery delivery) {
  if (delivery.origin != 0) ++with_origin_;
  entry.bytes = static_cast<std::uint32_t>(std::min<std::size_t>(delivery.footprint_bytes(), 0xFFFF'FFFF));
  flight_bytes_ += entry.bytes;
  entry.delivery = std::move(delivery);
}

InFlight& Outgoing::begin(Delivery delivery) {
  InFlight& entry = slot_for_new();
  put_in_flight(entry, std::move(delivery));
  entry.sequence = next_sequence_++;
  entry.state = FlightState::published;
  return entry;
}

void Outgoing::restore(Delivery delivery, std::uint16_t packet_id, FlightState state) {
  if (packet_id == 0 || find(packet_id)) {
    InFlight& entry = begin(std::move(delivery));
    entry.state = state;
    entry.dup = true;
    return;
  }
  while (capacity_ == 0 || slots_[packet_id & (capacity_ - 1)].state != FlightState::free) grow();
  InFlight& entry = slots_[packet_id & (capacity_ - 1)];
  put_in_flight(entry, std::move(delivery));
  entry.packet_id = packet_id;
  entry.sequence = next_sequence_++;
  entry.state = state;
  entry.dup = true;
  last_id_ = packet_id;
  ++used_;
}

std::uint64_t Outgoing::maybe_sent_below() const {
  std::uint64_t below = maybe_sent_below_;
  for (std::uint32_t i = 0; i < capacity_; ++i) {
    const InFlight& entry = slots_[i];
    if (entry.state == FlightState::published && entry.dup && entry.delivery.qos == wire::QoS::at_least_once) {
      below = std::max(below, entry.delivery.position + 1);
    }
  }
  return below;
}

std::uint64_t Outgoing::lowest_position() const {
  std::uint64_t lowest = 0;
  const auto take = [&](const Delivery& delivery) {
    if (delivery.position != 0 && (lowest == 0 || delivery.position < lowest)) lowest = delivery.position;
  };
  for (std::uint32_t i = 0; i < capacity_; ++i) {
    if (slots_[i].state != FlightState::free) take(slots_[i].delivery);
  }
  // What waits is in the order of the log.
  if (!waiting_acknowledged_.empty()) take(waiting_acknowledged_[0]);
  if (!backlog_.empty() && (lowest == 0 || backlog_.front().position < lowest)) lowest = backlog_.front().position;
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
  flight_bytes_ -= entry.bytes;
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
  std::vector<std::uint16_t> resend;
  for (std::uint16_t packet_id : in_order()) {
    InFlight& entry = *find(packet_id);
    if (entry.state == FlightState::request) {
      end(entry);
      continue;
    }
    entry.on_wire = false;
    entry.in_window = false;
    resend.push_back(packet_id);
  }
  std::stable_partition(resend.begin(), resend.end(),
                        [this](std::uint16_t packet_id) { return find(packet_id)->state != FlightState::published; });
  resend_ = resend.empty() ? nullptr : std::make_unique<Resend>(Resend{std::move(resend), 0});
}

InFlight* Outgoing::next_to_resend() {
  if (!resend_) return nullptr;
  for (; resend_->at < resend_->packet_ids.size(); ++resend_->at) {
    InFlight* entry = find(resend_->packet_ids[resend_->at]);
    if (entry && !entry->on_wire) return entry;
  }
  resend_.reset();
  return nullptr;
}

}  // namespace martlet::session
