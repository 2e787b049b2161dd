// The sending half of a session: what waits, what was sent and is not finished. It outlives the connection [4.1].
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/ring_queue.h"
#include "base/ticket.h"
#include "base/time.h"
#include "session/backlog.h"
#include "session/delivery.h"

namespace martlet::session {

enum class DropPolicy : std::uint8_t { drop_newest, drop_oldest };

// The bound on what waits for one receiver: in memory, and in the log (0: no bound).
struct QueueLimits {
  std::uint32_t max_messages = 10'000;
  std::uint64_t max_bytes = 16u << 20;
  DropPolicy policy = DropPolicy::drop_newest;
  std::uint64_t max_owed_messages = 0;
  std::uint64_t max_owed_bytes = 0;
};

enum class FlightState : std::uint8_t {
  free,       // the slot is unused
  published,  // PUBLISH sent; PUBACK or PUBREC is due
  received,   // PUBREC came; PUBREL waits for its ticket
  released,   // PUBREL sent; PUBCOMP is due
  request,    // the identifier belongs to a SUBSCRIBE or UNSUBSCRIBE of ours
};

struct InFlight {
  Delivery delivery;
  std::uint64_t sequence = 0;       // order of first sending
  Ticket release = Ticket::done();  // of the PUBREL, from `received` on
  std::uint32_t bytes = 0;          // that its message takes
  std::uint16_t packet_id = 0;
  FlightState state = FlightState::free;
  bool on_wire = false;    // sent on the present connection
  bool dup = false;        // sent before: DUP is set when it is sent again [MQTT-3.3.1-1]
  bool in_window = false;  // holds one unit of the present connection's send quota [4.9]
};

// What hand_over() does with QoS 1 messages that were sent and not acknowledged.
enum class Unacknowledged : std::uint8_t {
  keep,  // the peer is there and may still acknowledge them: their delivery is completed [MQTT-3.10.4-3]
  give,
};

class Outgoing {
 public:
  // Puts `delivery` behind what waits, within `limits`. When there is no room, expired messages go first, then QoS 0
  // for an acknowledged one, then what the policy says. What had to give way is reported as dropped, the rest as
  // queued. A delivery with a position leaves its message to the log. Of one session either all that is acknowledged
  // has a position or nothing.
  void enqueue(Delivery delivery, const QueueLimits& limits, const Now& now, DeliveryObserver& observer);
  // Drops the QoS 0 messages that wait: nobody is there to take them.
  void drop_waiting_qos0(DropReason reason, DeliveryObserver& observer);

  // QoS 0 waits apart from QoS 1 and 2, which a full window may hold back [MQTT-3.3.4-10].
  bool has_waiting(bool acknowledged) const {
    return acknowledged ? !waiting_acknowledged_.empty() || !backlog_.empty() : !waiting_qos0_.empty();
  }
  // Brings the first of what waits in the log into memory, unless some of it is there. False when there is nothing to
  // take now.
  bool fetch(DeliveryObserver& observer);
  // The first that waits; of acknowledged ones after fetch().
  Delivery take_waiting(bool acknowledged);
  // Nobody takes it soon: what was fetched is left to the log again.
  void unload();
  // In memory and in the log; the bytes in the log are an estimate after cut_below().
  std::size_t waiting_messages() const { return waiting_acknowledged_.size() + waiting_qos0_.size() + backlog_.size(); }
  std::uint64_t waiting_bytes() const { return waiting_bytes_ + logged_bytes_; }
  bool full(const QueueLimits& limits) const;
  // Heap bytes held for what waits in the log.
  std::size_t backlog_memory_bytes() const { return backlog_.memory_bytes(); }
  // Unfinished deliveries that have an origin: without any, hand_over() has nothing to look for.
  std::size_t with_origin() const { return with_origin_; }

  // Gives the delivery (QoS 1 or 2) an unused, non-zero packet identifier [MQTT-2.2.1-4]. The reference lives until the
  // next call.
  InFlight& begin(Delivery delivery);
  // After a crash: what was in flight under `packet_id`, in the order of first sending. `published` or `released`. An
  // identifier that no sound account can have named, 0 or a second time the same, gives way to an unused one.
  void restore(Delivery delivery, std::uint16_t packet_id, FlightState state);
  // After a crash: QoS 1 messages below `position` may have been sent before [MQTT-3.3.1-1].
  void set_maybe_sent_below(std::uint64_t position) { maybe_sent_below_ = position; }
  // What to set then: behind all QoS 1 messages that were sent and not acknowledged.
  std::uint64_t maybe_sent_below() const;
  bool maybe_sent(const Delivery& delivery) const {
    return delivery.qos == wire::QoS::at_least_once && delivery.position < maybe_sent_below_ && delivery.position != 0;
  }
  // The same for what waits, in the order of the log; `footprint_bytes` as Delivery's, or a guess.
  void restore_waiting(const LoggedDelivery& delivery, std::size_t footprint_bytes);
  // Takes out of what waits in the log each for which take(const LoggedDelivery&) is true.
  template <class Take>
  void remove_logged(Take&& take, std::size_t most = ~std::size_t{0});
  // An identifier for a request of ours, 0 if all are taken; freed by end().
  std::uint16_t begin_request();
  // The entry of `packet_id`, or nullptr.
  InFlight* find(std::uint16_t packet_id);
  void end(InFlight& entry);
  std::size_t in_flight() const { return used_; }
  // Whether what is in flight takes `max_bytes` or more (0: any); one message always may.
  bool flight_full(std::uint64_t max_bytes) const { return max_bytes != 0 && used_ > 0 && flight_bytes_ >= max_bytes; }
  bool identifiers_left() const { return used_ < 65'535; }

  // A connection was lost or made: requests are forgotten, nothing is on the wire any more, all that is unfinished must
  // be sent again [MQTT-4.4.0-1]: first each PUBREL, which no window may hold back, then each PUBLISH, both in the
  // order of first sending.
  void restart();
  // The peer lost the session: what was published must be sent as new, under the same identifiers. What it had received
  // is over: give(Delivery, packet identifier).
  template <class Give>
  void forget_sent(Give&& give);
  // The next entry to send again, or nullptr. It stays first until it is marked on_wire or ended.
  InFlight* next_to_resend();

  // Takes out what was not sent, and as told QoS 1 that was not acknowledged, if accepts(origin of the delivery); QoS 2
  // under way stays [MQTT-4.8.2-4]. give(Delivery) gets them in order, without message if that is in the log; of those
  // no more than `most`. False if there may be more.
  template <class Origin, class Give>
  bool hand_over(Unacknowledged unacknowledged, std::size_t most, Origin&& accepts, Give&& give);
  // Takes back, in order, what hand_over() gave without a message and could not be read: each of so many bytes, or a
  // guess.
  void put_back(std::span<const Delivery> given, std::uint64_t bytes_each);
  // The session ends: takes out the same of what is in the log, with QoS 1 that was not acknowledged. It waits in what
  // is returned, in the order of the log and without its messages.
  template <class Origin>
  Outgoing take_logged(Origin&& accepts);

  // The lowest position of the log among all that is unfinished, 0 if there is none.
  std::uint64_t lowest_position() const;
  // The log no longer holds what is below `position`: such deliveries that wait are gone. Returns how many.
  std::size_t cut_below(std::uint64_t position);

  // Calls visit(const LoggedDelivery&) for all that is unfinished and has a position, in the order of the log.
  template <class Visitor>
  void for_each_logged(Visitor&& visit) const;
  // Calls visit(const Delivery&) for all that is in memory, waiting or in flight with its message.
  template <class Visitor>
  void for_each(Visitor&& visit) const;
  std::size_t logged_messages() const { return backlog_.size(); }

 private:
  void enqueue_logged(const Delivery& delivery, const QueueLimits& limits, const Now& now, DeliveryObserver& observer);
  bool fits_log(const QueueLimits& limits, std::uint64_t bytes) const;
  void forget_logged(std::uint64_t bytes);
  void put_in_flight(InFlight& entry, Delivery delivery);
  InFlight& slot_for_new();
  void grow();
  std::vector<std::uint16_t> in_order() const;
  void drop_expired(const Now& now, DeliveryObserver& observer);
  void drop_oldest(RingQueue<Delivery>& waiting, DropReason reason, DeliveryObserver& observer);
  template <class Fits>
  void make_room(const Delivery& delivery, DropPolicy policy, Fits&& fits, const Now& now, DeliveryObserver& observer);
  void forget_waiting(const Delivery& delivery) {
    waiting_bytes_ -= delivery.footprint_bytes();
    if (delivery.origin != 0) --with_origin_;
  }

  RingQueue<Delivery> waiting_acknowledged_;
  Backlog backlog_;  // behind waiting_acknowledged_
  std::uint64_t logged_bytes_ = 0;
  std::uint64_t maybe_sent_below_ = 0;
  RingQueue<Delivery> waiting_qos0_;
  std::uint64_t waiting_bytes_ = 0;
  std::size_t with_origin_ = 0;
  DeadlineMs first_expiry_ms_ = kNever;  // no message that waits expires before it

  // An identifier's slot is its low bits; identifiers are given out so that no two in use share one.
  std::unique_ptr<InFlight[]> slots_;
  std::uint32_t capacity_ = 0;
  std::uint32_t used_ = 0;
  std::uint64_t flight_bytes_ = 0;
  std::uint16_t last_id_ = 0;
  std::uint64_t next_sequence_ = 0;
  struct Resend {
    std::vector<std::uint16_t> packet_ids;
    std::size_t at = 0;
  };
  std::unique_ptr<Resend> resend_;  // while there is anything to send again
};

template <class Give>
void Outgoing::forget_sent(Give&& give) {
  for (const std::uint16_t packet_id : in_order()) {
    InFlight& entry = *find(packet_id);
    if (entry.state == FlightState::published) {
      entry.dup = false;
    } else if (entry.state != FlightState::request) {
      Delivery delivery = std::move(entry.delivery);
      end(entry);
      give(std::move(delivery), packet_id);
    }
  }
}

template <class Origin, class Give>
bool Outgoing::hand_over(Unacknowledged unacknowledged, std::size_t most, Origin&& accepts, Give&& give) {
  const auto sent = unacknowledged == Unacknowledged::give ? in_order() : std::vector<std::uint16_t>();
  for (std::uint16_t packet_id : sent) {
    InFlight& entry = *find(packet_id);
    if (entry.state != FlightState::published || entry.delivery.qos != wire::QoS::at_least_once) continue;
    if (!accepts(entry.delivery.origin)) continue;
    Delivery delivery = std::move(entry.delivery);
    end(entry);
    give(std::move(delivery));
  }
  const auto from_memory = [&](RingQueue<Delivery>& waiting) {
    waiting.extract_if([&](const Delivery& delivery) { return accepts(delivery.origin); },
                       [&](Delivery delivery) {
                         forget_waiting(delivery);
                         give(std::move(delivery));
                       });
  };
  from_memory(waiting_acknowledged_);
  std::vector<LoggedDelivery> given;
  remove_logged(
      [&](const LoggedDelivery& delivery) {
        if (delivery.origin == 0 || !accepts(delivery.origin)) return false;
        given.push_back(delivery);
        return true;
      },
      most);
  for (const LoggedDelivery& delivery : given) give(Delivery::from(delivery));
  from_memory(waiting_qos0_);
  return given.size() < most;
}

template <class Origin>
Outgoing Outgoing::take_logged(Origin&& accepts) {
  Outgoing taken;
  if (with_origin_ == 0) return taken;
  const auto is_taken = [&](const Delivery& delivery) {
    return delivery.position != 0 && delivery.origin != 0 && accepts(delivery.origin);
  };
  std::vector<Delivery> in_memory;
  for (const std::uint16_t packet_id : in_order()) {
    InFlight& entry = *find(packet_id);
    if (entry.state != FlightState::published || entry.delivery.qos != wire::QoS::at_least_once) continue;
    if (!is_taken(entry.delivery)) continue;
    in_memory.push_back(std::move(entry.delivery));
    end(entry);
  }
  waiting_acknowledged_.extract_if(is_taken, [&](Delivery delivery) {
    forget_waiting(delivery);
    in_memory.push_back(std::move(delivery));
  });
  std::sort(in_memory.begin(), in_memory.end(),
            [](const Delivery& a, const Delivery& b) { return a.position < b.position; });
  auto next = in_memory.begin();
  const auto take_below = [&](std::uint64_t position) {
    for (; next != in_memory.end() && next->position < position; ++next) {
      taken.restore_waiting(next->logged(), next->footprint_bytes());
    }
  };
  const std::uint64_t bytes_each = backlog_.empty() ? 0 : logged_bytes_ / backlog_.size();
  remove_logged([&](const LoggedDelivery& delivery) {
    if (delivery.origin == 0 || !accepts(delivery.origin)) return false;
    take_below(delivery.position);
    taken.restore_waiting(delivery, bytes_each);
    return true;
  });
  take_below(~std::uint64_t{0});
  return taken;
}

template <class Take>
void Outgoing::remove_logged(Take&& take, std::size_t most) {
  const std::size_t before = backlog_.size();
  backlog_.remove_if(
      [&](const LoggedDelivery& delivery) {
        if (!take(delivery)) return false;
        if (delivery.origin != 0) --with_origin_;
        return true;
      },
      most);
  const std::size_t removed = before - backlog_.size();
  if (removed > 0) forget_logged(logged_bytes_ / before * removed);
}

template <class Visitor>
void Outgoing::for_each_logged(Visitor&& visit) const {
  std::vector<LoggedDelivery> in_memory;
  for_each([&](const Delivery& delivery) {
    if (delivery.position != 0) in_memory.push_back(delivery.logged());
  });
  std::sort(in_memory.begin(), in_memory.end(),
            [](const LoggedDelivery& a, const LoggedDelivery& b) { return a.position < b.position; });
  auto next = in_memory.begin();
  backlog_.for_each([&](const LoggedDelivery& delivery) {
    for (; next != in_memory.end() && next->position < delivery.position; ++next) visit(*next);
    visit(delivery);
  });
  for (; next != in_memory.end(); ++next) visit(*next);
}

template <class Visitor>
void Outgoing::for_each(Visitor&& visit) const {
  for (std::uint32_t i = 0; i < capacity_; ++i) {
    if (slots_[i].state != FlightState::free && slots_[i].delivery.message) visit(slots_[i].delivery);
  }
  for (const RingQueue<Delivery>* waiting : {&waiting_acknowledged_, &waiting_qos0_}) {
    for (std::size_t i = 0; i < waiting->size(); ++i) visit((*waiting)[i]);
  }
}

}  // namespace martlet::session
