// What must survive a crash: sessions' cursors, exchanges and wills on their way to the disk, and all of it back again.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/printable.h"
#include "broker/broker.h"
#include "topic/filter.h"

namespace martlet::broker {

using session::Delivery;
using wire::QoS;

namespace {

// A lost cursor only means that acknowledged messages come again, so it is written now and then.
constexpr std::int64_t kCheckpointMs = 500;
constexpr std::int64_t kTrimMs = 5'000;

Delivery recent_delivery(const RecentLog::Entry& entry, const session::LoggedDelivery& logged, std::uint64_t key) {
  Delivery delivery = Delivery::from(logged);
  delivery.message = entry.message;
  if (logged.identifier == session::kManyIdentifiers && entry.identifiers) {
    const auto& all = *entry.identifiers;
    const auto at = std::find_if(all.begin(), all.end(), [key](const auto& one) { return one.first == key; });
    if (at != all.end()) delivery.identifiers = at->second;
  }
  return delivery;
}

}  // namespace

// ---- to the disk

SessionChanged Broker::record_of(const Session& session) const {
  const std::uint64_t maybe_sent_below = session.connection ? 0 : session.state.outgoing.maybe_sent_below();
  const std::string_view client_id = session.persistent() ? session.client_id.view() : std::string_view();
  const std::string_view username = session.persistent() ? session.username.view() : std::string_view();
  // Rules may be for some listeners alone.
  std::string_view listener;
  if (session.persistent() && session.listener_index < options_.listeners.size() && options_.listeners.size() > 1) {
    listener = options_.listeners[session.listener_index].name;
  }
  return {session.key,      client_id, session.expiry_s, session.cursor, session.away_since_wall_ms,
          maybe_sent_below, username,  listener};
}

void Broker::make_persistent(Session& session) {
  if (session.key != 0) return;
  // Each core has keys of its own: every so many-th.
  const std::uint64_t cores = commons_.cores();
  do ++last_key_;
  while (last_key_ % cores != ports_.core);
  session.key = last_key_;
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
    session.finished_qos2.make().push_back(delivery.position);
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
  trim_if_due(now);
}

void Broker::trim_if_due(const Now& now) {
  if (now.mono_ms < trim_at_ms_) return;
  trim_at_ms_ = now.mono_ms + kTrimMs;
  trim(now);
}

void Broker::checkpoint(Session& session) {
  session.to_record = false;
  const std::uint64_t lowest = session.state.outgoing.lowest_position();
  session.cursor = lowest != 0 ? lowest : ports_.records.next_position();
  ports_.records.append(record_of(session));
  if (session.finished_qos2->empty()) return;
  std::erase_if(session.finished_qos2.make(), [&](std::uint64_t position) {
    if (position >= session.cursor) return false;
    ports_.records.append(OutgoingChanged{session.key, position, 0, ExchangeState::forgotten});
    return true;
  });
}

// The log is kept from the lowest position that somebody is still owed, within its limits.
void Broker::trim(const Now& now) {
  cut_log(now);
  std::uint64_t lowest = ports_.records.next_position();
  for (const auto& [key, session] : by_key_) {
    const session::Outgoing& outgoing = session->state.outgoing;
    if (outgoing.in_flight() + outgoing.waiting_messages() > 0) lowest = std::min(lowest, session->cursor);
  }
  lowest = std::max(std::min(lowest, neighbours_.lowest_unconfirmed()), log_begin_);
  // Nobody waits for it: no sync is asked for.
  if (lowest != 0) ports_.records.add(Trimmed{lowest});
}

void Broker::cut_log(const Now& now) {
  if (ports_.records.failing()) return;  // what cannot be read now tells neither its size nor its age
  const LogLimits& limits = options_.log;
  const std::int64_t oldest_wall_ms = limits.max_age_s == 0 ? 0 : now.wall_ms - std::int64_t{limits.max_age_s} * 1000;
  for (const bool by_age : {true, false}) {
    const std::uint64_t begin = by_age ? oldest_wall_ms == 0 ? 0 : ports_.records.begin_within(0, oldest_wall_ms)
                                : limits.max_bytes == 0 ? 0
                                                        : ports_.records.begin_within(limits.max_bytes, 0);
    if (begin <= log_begin_) continue;
    log_begin_ = begin;
    for (const auto& [key, session] : by_key_) {
      const std::size_t cut = session->state.outgoing.cut_below(begin);
      if (cut == 0) continue;
      counters_.publish_dropped += cut;
      const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(cut, 0xFFFF'FFFF));
      verdicts_.record(
          {VerdictReason::log_limit, session->client_id, {}, by_age ? "store.max_age" : "store.max_bytes", count}, now);
      log_loss(*session, LogLevel::warning, cut, by_age ? "store.max_age" : "store.max_bytes");
      checkpoint(*session);
    }
  }
}

Ticket Broker::record_will(std::string_view client_id, const SessionWill& will) {
  return ports_.records.append(
      WillChanged{client_id, will.message ? will.message.get() : nullptr, will.delay_s, will.expiry_s});
}

Ticket Broker::record_subscription(const Session& session, std::string_view filter, wire::SubscriptionOptions options,
                                   std::uint32_t identifier) {
  SubscriptionChanged changed{session.key, filter, options, identifier, {}};
  if (const auto cursor = session.retained->find(filter); cursor != session.retained->end()) {
    changed.retained_from = cursor->second.position;
  }
  return record(session, changed);
}

// ---- the log

void Broker::begin_owed(const session::MessageRef& message) {
  owed_shares_.clear();
  owed_share_names_.clear();
  owed_recorded_ = false;
  checks_receive_ = ports_.authorizer.checks_receive();
  const bool kept = message->facts().qos != QoS::at_most_once || options_.upgrade_outgoing_qos;
  owed_position_ = kept ? ports_.records.next_position() : 0;
  // At once: somebody's queue may ask for it before all have got it.
  if (owed_position_ != 0) recent_.push(owed_position_, message);
}

bool Broker::append_owed(const session::MessageRef& message, std::uint64_t publisher_key, std::uint16_t packet_id) {
  const bool recorded = !owed_shares_.empty() || origin_.position != 0;
  if (origin_.position != 0) {
    ports_.records.add(HandedOver{origin_.position, origin_.key, *message, owed()});
  } else if (recorded) {
    ports_.records.add(MessageOwed{*message, publisher_key, packet_id, owed()});
  } else if (packet_id != 0) {
    ports_.records.add(IncomingTaken{publisher_key, packet_id});
  }
  end_owed(recorded);
  owed_recorded_ |= recorded || packet_id != 0;
  return owed_recorded_;
}

void Broker::end_owed(bool recorded) {
  if (std::exchange(owed_position_, 0) == 0) return;
  if (!recorded) return recent_.withdraw();
  for (const OwedShare& share : owed_shares_) {
    if (share.identifiers.view().size() > 1) recent_.keep_identifiers(share.owed.session_key, share.identifiers);
  }
  if (const std::uint64_t most = options_.log.recent_bytes / commons_.cores(); recent_.bytes() > most) {
    recent_.shrink(most, ports_.records.readable_below());
  }
}

void Broker::owe(Session& session, const Delivery& delivery) {
  session.owed_position = delivery.position;
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

std::size_t Broker::load(std::span<const session::LoggedDelivery> from, std::span<Delivery> to) {
  constexpr std::uint64_t kMostBytes = 256u << 10;
  const Session& session = *observed_session_;
  std::uint64_t bytes = 0;
  std::size_t done = 0;
  while (done < from.size() && bytes < kMostBytes) {
    if (const RecentLog::Entry* entry = recent_.find(from[done].position)) {
      to[done] = recent_delivery(*entry, from[done], session.key);
      bytes += to[done++].footprint_bytes();
      continue;
    }
    std::size_t end = done + 1;
    while (end < from.size() && !recent_.find(from[end].position)) ++end;
    const LogReading reading =
        ports_.records.read(session.key, from.subspan(done, end - done), to.subspan(done, end - done));
    if (!reading.damage.empty()) note_damage(reading.damage, to.subspan(done, reading.done));
    for (std::size_t i = done; i < done + reading.done; ++i) {
      if (to[i].message) bytes += to[i].footprint_bytes();
    }
    done += reading.done;
    if (done < end) break;
  }
  work_done_ += done;
  if (done == 0) load_later(session);
  return done;
}

// The log cannot be read just now.
void Broker::load_later(const Session& session) {
  Connection* connection = session.connection;
  if (!connection || connection->loads_later) return;
  connection->loads_later = true;
  deadlines_.add(
      {observed_now_->mono_ms + kReadPauseMs, DueKind::service, connection->id.slot, connection->id.generation});
}

void Broker::note_damage(std::string_view damage, std::span<const Delivery> read) {
  const auto lost = std::count_if(read.begin(), read.end(), [](const Delivery& delivery) { return !delivery.message; });
  counters_.publish_dropped += static_cast<std::uint64_t>(lost);
  verdicts_.record({VerdictReason::log_damaged,
                    observed_session_->client_id,
                    {},
                    "the log cannot be read",
                    static_cast<std::uint32_t>(lost)},
                   *observed_now_);
  log_loss(*observed_session_, LogLevel::error, static_cast<std::uint64_t>(lost), damage);
}

void Broker::visit_owed(const OwedVisitor& visit) const {
  for (const auto& [key, session] : by_key_) {
    const session::Outgoing& outgoing = session->state.outgoing;
    RestoredDelivery owed;
    owed.key = key;
    owed.footprint_bytes = outgoing.waiting_bytes() / std::max<std::size_t>(outgoing.waiting_messages(), 1);
    std::uint32_t origin = 0;
    std::string share;  // of this origin, which may have no member on this core
    outgoing.for_each_logged([&](const session::LoggedDelivery& delivery) {
      if (origin != delivery.origin) {
        origin = delivery.origin;
        share = origin == 0 ? std::string() : commons_.groups().share_of(origin);
      }
      owed.share = share;
      owed.logged = delivery;
      visit(owed);
    });
  }
}

// ---- back again

// The index of a listener; of one that is not there any more one that no listener has.
std::uint32_t Broker::listener_called(std::string_view name) const {
  const auto at = std::find_if(options_.listeners.begin(), options_.listeners.end(),
                               [&](const ListenerPolicy& listener) { return listener.name == name; });
  return at == options_.listeners.end() ? kNoListener : static_cast<std::uint32_t>(at - options_.listeners.begin());
}

void Broker::restore(const RestoredSession& restored) {
  Session& session = restored.client_id.empty() ? sessions_.create_remnant() : sessions_.create(restored.client_id);
  if (!session.remnant) ++commons_.sessions;
  session.key = restored.key;
  session.username = restored.username;
  if (!restored.listener.empty()) session.listener_index = listener_called(restored.listener);
  session.expiry_s = restored.expiry_s;
  session.cursor = restored.cursor;
  session.away_since_wall_ms = restored.away_since_wall_ms;
  // Of one that was connected nobody knows what was sent.
  session.state.outgoing.set_maybe_sent_below(restored.away_since_wall_ms == 0 ? ports_.records.next_position()
                                                                               : restored.maybe_sent_below);
  last_key_ = std::max(last_key_, restored.key);
  by_key_.emplace(session.key, &session);
}

void Broker::restore(const RestoredSubscription& restored, const Now&) {
  const auto at = by_key_.find(restored.key);
  const auto parsed = topic::parse_filter(restored.filter);
  if (at == by_key_.end() || !parsed) return;
  Session& session = *at->second;
  if (session.remnant) return;  // they ended with its client's session
  if (parsed->shared) {
    const auto joined =
        groups_.join(restored.filter, parsed->filter, {&session, restored.options, restored.identifier});
    if (!joined.group) return;
    const std::uint32_t group_id = joined.group->id;
    if (joined.new_group && commons_.cores() == 1) router_.index().add(parsed->filter, {kGroupBit | group_id, 0, 0});
    if (joined.new_member) commons_.groups().count(group_id, ports_.core, {1, 0, 1});
    session.shares.make().insert_or_assign(restored.filter, group_id);
  } else {
    const topic::Subscription subscription{session.number, restored.identifier, restored.options.to_byte()};
    if (router_.index().add(parsed->filter, subscription) == topic::AddOutcome::full) return;
    if (session.filters.insert(router_.index().handle_of(parsed->filter))) add_interest(session, restored.filter);
  }
  if (restored.retained_from) {
    session.retained.make().insert_or_assign(
        restored.filter, RetainedCursor{*restored.retained_from, restored.options, restored.identifier, 0});
  }
  session.filter_bytes += topic::SubscriptionIndex::cost_bytes(restored.filter);
}

void Broker::restore(const RestoredExchange& exchange) {
  const auto at = by_key_.find(exchange.key);
  if (at != by_key_.end()) at->second->state.incoming.begin(exchange.packet_id, Ticket::done());
}

// A session may still hold something of a shared subscription that it has left.
std::uint32_t Broker::origin_of(std::string_view share) const {
  return share.empty() ? 0 : commons_.groups().find(share);
}

bool Broker::restore(const RestoredDelivery& restored) {
  const auto at = by_key_.find(restored.key);
  if (at == by_key_.end() || (at->second->remnant && restored.share.empty())) return false;
  session::LoggedDelivery logged = restored.logged;
  logged.origin = origin_of(restored.share);
  at->second->state.outgoing.restore_waiting(logged, restored.footprint_bytes);
  return true;
}

bool Broker::restore(RestoredFlight restored) {
  const auto at = by_key_.find(restored.key);
  if (at == by_key_.end() || at->second->remnant) return false;
  restored.delivery.origin = origin_of(restored.share);
  const auto state = restored.received ? session::FlightState::released : session::FlightState::published;
  at->second->state.outgoing.restore(std::move(restored.delivery), restored.packet_id, state);
  return true;
}

std::size_t Broker::restore_handed_over(std::uint64_t key, std::span<const std::uint64_t> positions) {
  const auto at = by_key_.find(key);
  if (at == by_key_.end()) return 0;
  session::Outgoing& outgoing = at->second->state.outgoing;
  const std::size_t before = outgoing.logged_messages();
  outgoing.remove_logged([&](const session::LoggedDelivery& delivery) {
    return std::binary_search(positions.begin(), positions.end(), delivery.position);
  });
  return before - outgoing.logged_messages();
}

void Broker::restore_retained(const session::MessageRef& message) {
  const std::lock_guard lock(commons_.retained_lock());
  retained_.store(message);
}

void Broker::restore_will(std::string client_id, SessionWill will) {
  will.publisher = sessions_.hash_of(client_id);
  Session* session = sessions_.find(client_id);
  if (session) {
    session->will_recorded = true;
    session->will.make() = std::move(will);
  } else {
    due_wills_.emplace_back(std::move(client_id), std::move(will));
  }
}

void Broker::restore_last_key(std::uint64_t key) {
  last_key_ = std::max(last_key_, key);
}

// The crash ended every connection: sessions that were connected are away since then, as far as anybody knows since
// now.
void Broker::restored(const Now& now) {
  for (const auto& [key, session] : by_key_) {
    if (session->remnant) {
      hand_over_later(*session, now.mono_ms + 1);
      continue;
    }
    if (session->away_since_wall_ms == 0) {
      session->away_since_wall_ms = now.wall_ms;
      checkpoint_later(*session, now);
    }
    const std::int64_t away_ms = std::max<std::int64_t>(now.wall_ms - session->away_since_wall_ms, 0);
    const auto in_ms = [&](std::uint32_t after_s) { return now.mono_ms + std::int64_t{after_s} * 1000 - away_ms; };
    session->expires_at_ms = session->expiry_s == kExpiryNever ? kNever : in_ms(session->expiry_s);
    if (session->will->message)
      session->will.make().due_ms = in_ms(std::min(session->will->delay_s, session->expiry_s));
    arm(*session);
  }
  {
    const std::lock_guard lock(commons_.retained_lock());
    if (retained_.any_can_expire()) arm_sweep(now);
  }
  // What became due while nobody ran comes before whoever connects now.
  run_timers(now);
  finish_event(now);
}

}  // namespace martlet::broker
