// What must survive a crash: sessions' cursors, exchanges and wills on their way to the disk, and all of it back again.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "broker/broker.h"
#include "topic/filter.h"

namespace martlet::broker {

using session::Delivery;
using wire::QoS;

namespace {

// A lost cursor only means that acknowledged messages come again, so it is written now and then.
constexpr std::int64_t kCheckpointMs = 500;
constexpr std::int64_t kTrimMs = 5'000;

}  // namespace

// ---- to the disk

SessionChanged Broker::record_of(const Session& session) const {
  return {session.key, session.client_id, session.expiry_s, session.cursor, session.away_since_wall_ms};
}

void Broker::make_persistent(Session& session) {
  if (session.key != 0) return;
  session.key = ++last_key_;
  session.cursor = ports_.records.next_position();
  by_key_.emplace(session.key, &session);
}

// A QoS 2 identifier is stored before it is used: after a crash the receiver must meet its message under the same one.
Ticket Broker::about_to_send(const Delivery& delivery, std::uint16_t packet_id) {
  if (delivery.position == 0) return Ticket::done();
  return ports_.records.append(
      OutgoingChanged{observed_session_->key, delivery.position, packet_id, ExchangeState::sending});
}

void Broker::finished(Session& session, const Delivery& delivery, const Now& now) {
  if (delivery.position == 0 || session.key == 0) return;
  if (delivery.qos == QoS::exactly_once) {
    ports_.records.append(OutgoingChanged{session.key, delivery.position, 0, ExchangeState::finished});
    session.finished_qos2.push_back(delivery.position);
  }
  checkpoint_later(session, now);
}

void Broker::checkpoint_later(Session& session, const Now& now) {
  if (session.key == 0 || session.to_record) return;
  session.to_record = true;
  to_record_.push_back(session.key);
  if (checkpoint_armed_) return;
  checkpoint_armed_ = true;
  deadlines_.add({now.mono_ms + kCheckpointMs, DueKind::checkpoint, 0, 0});
}

void Broker::checkpoint(const Now& now) {
  checkpoint_armed_ = false;
  for (const std::uint64_t key : std::exchange(to_record_, {})) {
    if (const auto at = by_key_.find(key); at != by_key_.end()) checkpoint(*at->second);
  }
  if (now.mono_ms < trim_at_ms_) return;
  trim_at_ms_ = now.mono_ms + kTrimMs;
  trim();
}

void Broker::checkpoint(Session& session) {
  session.to_record = false;
  const std::uint64_t lowest = session.state.outgoing.lowest_position();
  session.cursor = lowest != 0 ? lowest : ports_.records.next_position();
  ports_.records.append(record_of(session));
  std::erase_if(session.finished_qos2, [&](std::uint64_t position) {
    if (position >= session.cursor) return false;
    ports_.records.append(OutgoingChanged{session.key, position, 0, ExchangeState::forgotten});
    return true;
  });
}

// The log is kept from the lowest position that somebody is still owed.
void Broker::trim() {
  std::uint64_t lowest = ports_.records.next_position();
  for (const auto& [key, session] : by_key_) {
    const session::Outgoing& outgoing = session->state.outgoing;
    if (outgoing.in_flight() + outgoing.waiting_messages() > 0) lowest = std::min(lowest, session->cursor);
  }
  if (lowest != 0) ports_.records.append(Trimmed{lowest});
}

void Broker::record_will(const std::string& client_id, const SessionWill& will) {
  ports_.records.append(
      WillChanged{client_id, will.message ? will.message.get() : nullptr, will.delay_s, will.expiry_s});
}

void Broker::owe(const Session& session, const Delivery& delivery) {
  OwedShare share;
  share.owed.session_key = session.key;
  share.owed.qos = delivery.qos;
  share.owed.retain = delivery.retain;
  if (delivery.origin != 0) {
    if (const SharedGroup* group = groups_.find(delivery.origin)) share.owed.share = group->share;
  }
  share.identifiers = delivery.identifiers;
  owed_shares_.push_back(std::move(share));
}

std::span<const Owed> Broker::owed() {
  owed_.clear();
  for (const OwedShare& share : owed_shares_) {
    owed_.push_back(share.owed);
    owed_.back().identifiers = share.identifiers.view();
  }
  return owed_;
}

// ---- back again

void Broker::restore(const RestoredSession& restored) {
  Session& session = sessions_.create(restored.client_id);
  session.key = restored.key;
  session.expiry_s = restored.expiry_s;
  session.cursor = restored.cursor;
  session.away_since_wall_ms = restored.away_since_wall_ms;
  last_key_ = std::max(last_key_, restored.key);
  by_key_.emplace(session.key, &session);
}

void Broker::restore(const RestoredSubscription& restored, const Now&) {
  const auto at = by_key_.find(restored.key);
  const auto parsed = topic::parse_filter(restored.filter);
  if (at == by_key_.end() || !parsed) return;
  Session& session = *at->second;
  std::uint32_t group_id = 0;
  if (parsed->shared) {
    const auto joined =
        groups_.join(restored.filter, parsed->filter, {&session, restored.options, restored.identifier});
    if (joined.new_group) router_.index().add(parsed->filter, {kGroupBit | joined.group->id, 0, 0});
    group_id = joined.group->id;
  } else {
    router_.index().add(parsed->filter, {session.number, restored.identifier, restored.options.to_byte()});
  }
  session.filter_bytes += topic::SubscriptionIndex::cost_bytes(restored.filter);
  session.subscriptions.insert_or_assign(restored.filter, group_id);
}

void Broker::restore(const RestoredExchange& exchange) {
  const auto at = by_key_.find(exchange.key);
  if (at != by_key_.end()) at->second->state.incoming.begin(exchange.packet_id, Ticket::done());
}

void Broker::restore(RestoredDelivery restored, const Now& now) {
  const auto at = by_key_.find(restored.key);
  if (at == by_key_.end()) return;
  Session& session = *at->second;
  if (!restored.share.empty()) {
    const auto group = session.subscriptions.find(restored.share);
    if (group != session.subscriptions.end()) restored.delivery.origin = group->second;
  }
  if (restored.packet_id != 0) {
    const auto state = restored.received ? session::FlightState::released : session::FlightState::published;
    return session.state.outgoing.restore(std::move(restored.delivery), restored.packet_id, state);
  }
  // It was taken under the limits once already.
  constexpr session::QueueLimits kNoLimits{0xFFFF'FFFF, ~std::uint64_t{0}, session::DropPolicy::drop_newest};
  observed_session_ = &session;
  observed_now_ = &now;
  session.state.outgoing.enqueue(std::move(restored.delivery), kNoLimits, now, *this);
}

void Broker::restore_retained(const session::MessageRef& message) {
  retained_.store(message);
}

void Broker::restore_will(std::string client_id, SessionWill will) {
  will.publisher = sessions_.hash_of(client_id);
  Session* session = sessions_.find(client_id);
  if (session) {
    session->will_recorded = true;
    session->will = std::move(will);
  } else {
    due_wills_.emplace_back(std::move(client_id), std::move(will));
  }
}

// The crash ended every connection: sessions that were connected are away since then, as far as anybody knows since
// now.
void Broker::restored(const Now& now) {
  for (const auto& [key, session] : by_key_) {
    if (session->away_since_wall_ms == 0) {
      session->away_since_wall_ms = now.wall_ms;
      checkpoint_later(*session, now);
    }
    const std::int64_t away_ms = std::max<std::int64_t>(now.wall_ms - session->away_since_wall_ms, 0);
    const auto in_ms = [&](std::uint32_t after_s) { return now.mono_ms + std::int64_t{after_s} * 1000 - away_ms; };
    session->expires_at_ms = session->expiry_s == kExpiryNever ? kNever : in_ms(session->expiry_s);
    if (session->will.message) session->will.due_ms = in_ms(std::min(session->will.delay_s, session->expiry_s));
    arm(*session);
  }
  arm_sweep(now);
  finish_event(now);
}

}  // namespace martlet::broker
