// Sessions that ended and hold messages of shared subscriptions in the log: a remnant without a client gives them to
// other members, some in each turn [MQTT-4.8.2].
#include <utility>

#include "broker/broker.h"

namespace martlet::broker {

using session::Delivery;

// From here on the client identifier is free. The record comes before what is handed over, so that after a crash the
// client's session is not there and the rest of it is.
void Broker::leave_remnant(Session& session, session::Outgoing left, const Now& now) {
  sessions_.make_remnant(session);
  --commons_.sessions;
  session.state = {};
  session.state.outgoing = std::move(left);
  session.filters = {};
  session.shares.reset();
  session.filter_bytes = 0;
  session.retained.reset();
  session.will.reset();
  session.expires_at_ms = kNever;
  session.expiry_s = 0;
  session.away_since_wall_ms = now.wall_ms;
  session.cursor = session.state.outgoing.lowest_position();
  sessions_ended_ = ports_.records.append(record_of(session));
  hand_over_remnant(session, now);
}

void Broker::hand_over_remnant(Session& remnant, const Now& now) {
  // However busy the turn is, each gets on.
  constexpr std::size_t kLeast = 64;
  session::Outgoing& outgoing = remnant.state.outgoing;
  std::size_t done = 0;
  bool readable = true;
  while (outgoing.has_waiting(true) && done < options_.hand_over_step && (done < kLeast || work_done_ < kTurnWork)) {
    observed_session_ = &remnant;
    observed_now_ = &now;
    readable = ports_.records.accepting() && outgoing.fetch(*this);
    if (!readable) break;
    const Delivery delivery = outgoing.take_waiting(true);
    ++done;
    if (commons_.groups().contains(delivery.origin)) {
      if (hand_over(remnant, delivery, now)) continue;
      // Its members are about to be gone, or to be there.
      outgoing.unload();
      outgoing.put_back({&delivery, 1}, delivery.footprint_bytes());
      break;
    }
    ++counters_.publish_dropped;
    verdicts_.record({VerdictReason::session_ended, remnant.client_id, delivery.message->topic(), "the session ended"},
                     now);
    finished(remnant, delivery, now);
  }
  if (!outgoing.has_waiting(true)) return forget(remnant);
  outgoing.unload();
  hand_over_later(remnant, now.mono_ms + (readable ? 1 : kReadPauseMs));
}

void Broker::forget(Session& session) {
  if (session.key != 0) {
    const Ticket ticket = ports_.records.append(SessionEnded{session.key});
    if (!session.remnant) sessions_ended_ = ticket;
    by_key_.erase(session.key);
  }
  if (!session.remnant) --commons_.sessions;
  sessions_.erase(session);
}

}  // namespace martlet::broker
