#include "sim/wills.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::sim {
namespace {

// For the broker's turn to come.
constexpr std::int64_t kSlackMs = 1'000;

}  // namespace

Wills::Entry* Wills::current(std::size_t client) {
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    if (entry->client == client) return entry->replaced ? nullptr : &*entry;
  }
  return nullptr;
}

// A CONNECT that arrives late takes the session over: it ends a delay, or the will itself.
void Wills::end(Entry& entry) {
  const bool must = entry.armed && !(entry.races && entry.delay_ms > 0);
  entry.phase = must ? Phase::over : Phase::may_come;
  entry.over = earliest_end();
}

// The client comes back: what waits for its delay is cancelled, or is published just before.
void Wills::replace(Entry& entry) {
  if (entry.phase == Phase::live) end(entry);
  const std::int64_t turned_ms = turns_.empty() ? 0 : turns_.back().ms;
  const bool due = entry.noticed_ms != kNever && turned_ms > entry.noticed_ms + entry.delay_ms + kSlackMs;
  const bool cancelled = entry.phase == Phase::over && entry.delay_ms > 0 && !due;
  if (cancelled || entry.phase == Phase::goodbye) entry.phase = Phase::may_come;
  entry.replaced = true;
}

void Wills::connect_sent(std::size_t client, const Sent& sent) {
  if (Entry* before = current(client)) replace(*before);
  if (!sent.message) return;
  Entry entry;
  entry.message = *sent.message;
  entry.client = client;
  entry.delay_ms = sent.delay_ms;
  entry.persistent = sent.persistent;
  entry.races = sent.races;
  entries_.push_back(entry);
}

void Wills::connected(std::size_t client, bool session_present) {
  for (Entry& entry : entries_) {
    if (entry.client != client) continue;
    if (entry.phase == Phase::live) {
      entry.armed = true;
    } else if (!session_present) {
      entry.delay_ms = 0;  // the end of the session was the end of the delay
    } else if (entry.phase == Phase::may_come && session_present && entry.armed && !entry.races && entry.delay_ms > 0 &&
               oracle_.now_ms() < entry.over.ms + entry.delay_ms) {
      entry.phase = Phase::discarded;
    }
  }
}

void Wills::connection_over(std::size_t client) {
  Entry* entry = current(client);
  if (entry && entry->phase == Phase::live) end(*entry);
}

void Wills::noticed(std::size_t client) {
  Entry* entry = current(client);
  if (entry && entry->noticed_ms == kNever) entry->noticed_ms = oracle_.now_ms();
}

void Wills::goodbye_sent(std::size_t client) {
  Entry* entry = current(client);
  if (entry && entry->phase == Phase::live) entry->phase = Phase::goodbye;
}

void Wills::goodbye_taken(std::size_t client) {
  Entry* entry = current(client);
  if (!entry || entry->phase != Phase::goodbye) return;
  entry->phase = Phase::discarded;
  entry->not_durable = true;
}

void Wills::committed() {
  for (Entry& entry : entries_) entry.not_durable = false;
}

void Wills::crashed() {
  for (Entry& entry : entries_) {
    if (entry.phase == Phase::live) end(entry);
    // What was published and not durable comes again after its delay, unless its client is back by then.
    const bool delayed = entry.delay_ms > 0 && entry.replaced;
    const bool lost = entry.phase == Phase::over && (!entry.persistent || delayed);
    if (lost || (entry.phase == Phase::discarded && entry.not_durable)) entry.phase = Phase::may_come;
  }
}

void Wills::restarted() {
  for (Entry& entry : entries_) {
    // Since when the client is away is recorded late: the delay may begin anew.
    if (entry.phase == Phase::over) entry.noticed_ms = oracle_.now_ms();
  }
}

void Wills::received(MessageId message) {
  const auto entry =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& each) { return each.message == message; });
  if (entry == entries_.end() || oracle_.messages()[message].got != 0) return;
  if (entry->phase == Phase::live) {
    entry->came_ms = std::min(entry->came_ms, oracle_.now_ms());
  }
  if (entry->phase == Phase::discarded) {
    return oracle_.violated(fmt::format("the will {} of c{} came though it was discarded", message, entry->client));
  }
  if (entry->phase == Phase::over && oracle_.now_ms() < entry->over.ms + entry->delay_ms) {
    return oracle_.violated(fmt::format("the will {} of c{} came before its delay was over", message, entry->client));
  }
}

// Its last words have their time, and what closes its side then is its next turn.
Moment Wills::earliest_end() const {
  return turns_.empty() ? oracle_.now() : Moment{turns_.front().step, turns_.back().ms - kLingerMs};
}

// The broker may still be sending its last words to a client that does not read.
void Wills::check_live() {
  turns_.push_back(oracle_.now());
  while (turns_.front().ms < oracle_.now_ms() - kLingerMs) turns_.pop_front();
  for (const Entry& entry : entries_) {
    if (entry.phase != Phase::live || entry.came_ms == kNever) continue;
    if (oracle_.now_ms() <= entry.came_ms + kLingerMs) continue;
    oracle_.violated(fmt::format("the will {} of c{} came while it is connected", entry.message, entry.client));
  }
}

void Wills::check_published() {
  for (const Entry& entry : entries_) {
    const bool just_now = oracle_.now_ms() < entry.over.ms + entry.delay_ms + kSlackMs + kLingerMs;
    if (entry.phase != Phase::over || !entry.armed || just_now) continue;
    oracle_.check_received_since(entry.message, entry.over.step);
  }
}

}  // namespace martlet::sim
