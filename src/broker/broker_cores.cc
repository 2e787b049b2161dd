// What a broker does for, and through, the other cores of its process.
#include <algorithm>
#include <bit>
#include <utility>

#include "broker/broker.h"

namespace martlet::broker {

using session::MessageRef;

namespace {

// Members of shared subscriptions come and go on every core: a message is not sent after them for ever.
constexpr std::uint8_t kMostHops = 8;

constexpr std::uint64_t bit(std::uint32_t core) {
  return std::uint64_t{1} << core;
}

}  // namespace

// ---- out

// To the other cores that may have subscribers, and to whoever serves the shared subscriptions. Returns how many
// copies that makes at most.
std::uint32_t Broker::route_away(const MessageRef& message, const Now& now) {
  const std::string_view topic = message->topic();
  std::uint64_t interested =
      interested_ ? *std::exchange(interested_, std::nullopt) : commons_.interest().cores_for(topic);
  interested &= ~bit(ports_.core);
  std::uint32_t receivers = 0;
  std::uint64_t cores = interested;
  std::uint64_t kept = 0;
  choices_.clear();
  if (commons_.groups().any()) {
    commons_.groups().choose(topic, message->facts().publisher, choices_);
    for (const GroupDirectory::Choice& choice : choices_) {
      if (choice.core == ports_.core) {
        receivers += deliver_shared(choice.group, message, nullptr, now) ? 1 : 0;
        continue;
      }
      cores |= bit(choice.core);
      if (choice.kept) kept |= bit(choice.core);
    }
  }
  if (cores == 0) return receivers;
  if (owed_position_ != 0 && interested != 0) kept |= commons_.durable_interest().cores_for(topic) & interested;
  const bool only_there = receivers == 0 && std::has_single_bit(cores);
  for (; cores != 0; cores &= cores - 1) {
    const auto core = static_cast<std::uint32_t>(std::countr_zero(cores));
    Forwarded forwarded;
    forwarded.message = message;
    forwarded.to_subscribers = (interested & bit(core)) != 0;
    forwarded.only_there = only_there;
    for (const GroupDirectory::Choice& choice : choices_) {
      if (choice.core == core) forwarded.groups.push_back(choice.group);
    }
    if ((kept & bit(core)) != 0) owe(core, forwarded);
    neighbours_.forward(core, std::move(forwarded));
    ++receivers;
  }
  return receivers;
}

// The log says that the core's sessions are owed it, until the core itself has recorded which.
void Broker::owe(std::uint32_t core, Forwarded& forwarded) {
  if (owed_position_ == 0) return;
  forwarded.position = owed_position_;
  forwarded.key = core_key(core, commons_.cores());
  OwedShare share;
  share.owed.session_key = forwarded.key;
  share.owed.qos = forwarded.message->facts().qos;
  if (forwarded.to_subscribers) owed_shares_.push_back(share);
  for (const std::uint32_t group : forwarded.groups) {
    share.owed.share = owed_share_names_.emplace_back(commons_.groups().share_of(group));
    if (!share.owed.share.empty()) owed_shares_.push_back(share);
  }
}

// One member of a group elsewhere gets it. False if there is none, or if it has been passed on often enough.
bool Broker::pass_group_on(std::uint32_t group_id, const MessageRef& message, bool connected) {
  if (hops_ >= kMostHops) return false;
  const auto core = commons_.groups().another(group_id, ports_.core, connected);
  if (!core) return false;
  Forwarded forwarded;
  forwarded.message = message;
  forwarded.to_subscribers = false;
  forwarded.groups.push_back(group_id);
  forwarded.hops = static_cast<std::uint8_t>(hops_ + 1);
  owe(*core, forwarded);
  neighbours_.forward(*core, std::move(forwarded));
  return true;
}

// ---- in

Ticket Broker::forwarded(const Forwarded& forwarded, const Now& now, std::span<const CorePart> taken) {
  const MessageRef& message = forwarded.message;
  const bool in_parts = is_core_key(forwarded.key) && cores_of_key(forwarded.key) != commons_.cores();
  const std::uint64_t key = in_parts ? part_key(forwarded.key, ports_.core, commons_.cores()) : forwarded.key;
  origin_ = {forwarded.position, key, taken};
  hops_ = forwarded.hops;
  if (forwarded.position != 0) ports_.records.pass(forwarded.position);
  begin_owed(message);
  std::uint32_t receivers = forwarded.to_subscribers ? route_here(message, now) : 0;
  for (const std::uint32_t group : forwarded.groups) {
    if (deliver_shared(group, message, nullptr, now)) {
      ++receivers;
    } else if (!forwarded.only_there) {
      verdicts_.record({VerdictReason::no_subscriber, {}, message->topic(), "the shared subscription has no member"},
                       now);
    }
  }
  if (receivers == 0 && forwarded.only_there) {
    verdicts_.record({VerdictReason::no_subscriber, {}, message->topic(), "no subscription matches"}, now);
  }
  const bool recorded = append_owed(message, 0, 0);
  origin_ = {};
  hops_ = 0;
  // Nobody's acknowledgement waits for this record: the one that the message has is as safe as its topic says.
  const Ticket ticket = recorded ? ports_.records.ticket(Durability::interval, 0) : Ticket::done();
  finish_event(now);
  return ticket;
}

// After a restart with another number of cores, those that the key names are spread over all.
bool Broker::is_addressed(const Session& session) const {
  if (!is_core_key(origin_.key)) return true;
  const auto lives_on = [&](std::uint32_t core, std::uint32_t cores) {
    return home_core(session.client_hash, cores) == core;
  };
  const bool in_parts = part_of_key(origin_.key).cores != 0;
  if (in_parts && !lives_on(core_of_key(origin_.key), cores_of_key(origin_.key))) return false;
  return std::none_of(origin_.taken.begin(), origin_.taken.end(),
                      [&](const CorePart& part) { return lives_on(part.core, part.cores); });
}

void Broker::group_connected(std::uint32_t group_id, const Now& now) {
  const SharedGroup* group = groups_.find(group_id);
  if (!group || !commons_.groups().connected_elsewhere(group_id, ports_.core)) return;
  collect_stranded(*group, now);
  finish_event(now);
}

// ---- what the others are told

void Broker::add_interest(const Session& session, std::string_view filter) {
  if (commons_.cores() == 1) return;
  commons_.interest().add(ports_.core, filter);
  if (session.key != 0) commons_.durable_interest().add(ports_.core, filter);
}

void Broker::remove_interest(const Session& session, std::string_view filter) {
  if (commons_.cores() == 1) return;
  commons_.interest().remove(ports_.core, filter);
  if (session.key != 0) commons_.durable_interest().remove(ports_.core, filter);
}

void Broker::count_members(const Session& session, int connected) {
  if (commons_.cores() == 1) return;
  for (const auto& [share, group_id] : *session.shares) {
    commons_.groups().count(group_id, ports_.core, {0, connected, 0});
  }
}

void Broker::tell_connected(const Session& session) {
  if (commons_.cores() == 1) return;
  for (const auto& [share, group_id] : *session.shares) tell_connected(group_id);
}

void Broker::tell_connected(std::uint32_t group_id) {
  if (commons_.cores() == 1) return;
  std::uint64_t others = commons_.groups().cores_of(group_id) & ~bit(ports_.core);
  for (; others != 0; others &= others - 1) {
    neighbours_.tell_connected(static_cast<std::uint32_t>(std::countr_zero(others)), group_id);
  }
}

}  // namespace martlet::broker
