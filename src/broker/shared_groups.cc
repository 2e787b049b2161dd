#include "broker/shared_groups.h"

#include <algorithm>

#include "base/hash.h"

namespace martlet::broker {
namespace {

auto member_of(SharedGroup& group, const Session& session) {
  return std::find_if(group.members.begin(), group.members.end(),
                      [&](const SharedMember& member) { return member.session == &session; });
}

std::size_t load_of(const Session& session) {
  return session.state.outgoing.in_flight() + session.state.outgoing.waiting_messages();
}

}  // namespace

SharedGroups::Joined SharedGroups::join(std::string_view share, std::string_view filter, const SharedMember& member) {
  const auto id = directory_.enter(share, filter, core_);
  if (!id) return {nullptr, false, false};
  const auto [at, new_group] = groups_.try_emplace(*id);
  SharedGroup& group = at->second;
  if (new_group) {
    group.id = *id;
    group.share = share;
    group.filter = filter;
  }
  const auto known = member_of(group, *member.session);
  const bool new_member = known == group.members.end();
  if (new_member) {
    group.members.push_back(member);
  } else {
    *known = member;
  }
  return {&group, new_group, new_member};
}

const SharedGroup* SharedGroups::find(std::uint32_t id) const {
  const auto at = groups_.find(id);
  return at == groups_.end() ? nullptr : &at->second;
}

bool SharedGroups::leave(SharedGroup& group, const Session& session) {
  const auto at = member_of(group, session);
  if (at != group.members.end()) group.members.erase(at);
  return group.members.empty();
}

void SharedGroups::erase(std::uint32_t id) {
  if (groups_.erase(id) != 0) directory_.leave(id, core_);
}

bool SharedGroups::any_room(const SharedGroup& group, const Session* except) const {
  return std::any_of(group.members.begin(), group.members.end(), [&](const SharedMember& member) {
    return member.session != except && !member.session->state.outgoing.full(limits_);
  });
}

// The place in the member list where the strategy looks first; from there on the first member that is fit takes it.
std::size_t SharedGroups::first_choice(SharedGroup& group, std::string_view topic, std::uint64_t publisher) {
  const std::size_t count = group.members.size();
  switch (strategy_) {
    case SharedStrategy::round_robin:
      return group.next % count;
    case SharedStrategy::random:
      return random_.below(count);
    case SharedStrategy::hash_topic:
      return hash_bytes(topic) % count;
    case SharedStrategy::hash_client:
      return (publisher >> 1) % count;
    case SharedStrategy::sticky: {
      const auto at = std::find_if(group.members.begin(), group.members.end(),
                                   [&](const SharedMember& member) { return member.session == group.sticky; });
      return at == group.members.end() ? 0 : static_cast<std::size_t>(at - group.members.begin());
    }
    case SharedStrategy::least_in_flight:
      break;
  }
  return 0;
}

const SharedMember* SharedGroups::least_in_flight(const SharedGroup& group, const Session* except,
                                                  const Accepts* accepts) const {
  const SharedMember* best = nullptr;
  const auto rank = [this](const SharedMember& member) {
    return std::pair(unfitness(*member.session), load_of(*member.session));
  };
  for (const SharedMember& member : group.members) {
    if (member.session == except) continue;
    if (best && rank(member) >= rank(*best)) continue;
    if (!accepts || (*accepts)(*member.session)) best = &member;
  }
  return best;
}

int SharedGroups::unfitness(const Session& session) const {
  const session::Outgoing& outgoing = session.state.outgoing;
  if (outgoing.full(limits_)) return 2;
  return session.connection ? 0 : 1;
}

const SharedMember* SharedGroups::pick(SharedGroup& group, std::string_view topic, std::uint64_t publisher,
                                       const Session* except, const Accepts* accepts) {
  const std::size_t count = group.members.size();
  if (count == 0) return nullptr;
  if (strategy_ == SharedStrategy::least_in_flight) return least_in_flight(group, except, accepts);
  const std::size_t first = first_choice(group, topic, publisher);
  const SharedMember* best = nullptr;
  int best_unfitness = 0;
  std::size_t best_at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = (first + i) % count;
    const SharedMember& member = group.members[at];
    if (member.session == except) continue;
    const int unfit = unfitness(*member.session);
    if (best && unfit >= best_unfitness) continue;
    if (accepts && !(*accepts)(*member.session)) continue;
    best = &member;
    best_unfitness = unfit;
    best_at = at;
    if (unfit == 0) break;
  }
  if (!best) return nullptr;
  group.next = best_at + 1;
  group.sticky = best->session;
  return best;
}

}  // namespace martlet::broker
