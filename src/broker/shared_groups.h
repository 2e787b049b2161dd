// Shared subscriptions: their members, and whose turn it is [4.8.2].
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/random.h"
#include "broker/group_directory.h"
#include "broker/options.h"
#include "broker/session.h"

namespace martlet::broker {

struct SharedMember {
  Session* session = nullptr;
  wire::SubscriptionOptions options;
  std::uint32_t identifier = 0;
};

struct SharedGroup {
  std::uint32_t id = 0;
  std::string share;   // as subscribed, "$share/NAME/FILTER"
  std::string filter;  // FILTER
  std::vector<SharedMember> members;
  std::size_t next = 0;             // round robin: where to look first
  const Session* sticky = nullptr;  // sticky: who has it now; compared, never followed
};

class SharedGroups {
 public:
  // `limits` are those of the members' queues; it must outlive the object.
  // `directory`, which numbers the groups, knows those of all cores; this is the one of `core`.
  SharedGroups(SharedStrategy strategy, const session::QueueLimits& limits, std::uint64_t seed,
               GroupDirectory& directory, std::uint32_t core)
      : strategy_(strategy), limits_(limits), random_(seed), directory_(directory), core_(core) {}

  struct Joined {
    SharedGroup* group;  // null: there is no room for its filter
    bool new_group;
    bool new_member;
  };
  // Adds the member or replaces its options.
  Joined join(std::string_view share, std::string_view filter, const SharedMember& member);
  SharedGroup* find(std::uint32_t id) { return const_cast<SharedGroup*>(std::as_const(*this).find(id)); }
  const SharedGroup* find(std::uint32_t id) const;
  // Takes the member out; true if the group is empty now: the caller forgets its filter, then calls erase().
  bool leave(SharedGroup& group, const Session& session);
  void erase(std::uint32_t id);
  std::size_t size() const { return groups_.size(); }
  // Whether the queue of any member but `except` has room.
  bool any_room(const SharedGroup& group, const Session* except) const;

  // The member for a message from the client with the hash `publisher`: connected ones first, then sessions that wait
  // offline, and one with a full queue only if all are; never `except`, nor one that `accepts` (null: all) is false
  // for. Null if there is none.
  using Accepts = std::function<bool(Session&)>;
  const SharedMember* pick(SharedGroup& group, std::string_view topic, std::uint64_t publisher, const Session* except,
                           const Accepts* accepts = nullptr);

 private:
  std::size_t first_choice(SharedGroup& group, std::string_view topic, std::uint64_t publisher);
  // How unfit a member is: 0 connected, 1 offline, 2 with a full queue.
  int unfitness(const Session& session) const;
  const SharedMember* least_in_flight(const SharedGroup& group, const Session* except, const Accepts* accepts) const;

  SharedStrategy strategy_;
  const session::QueueLimits& limits_;
  Random random_;
  GroupDirectory& directory_;
  const std::uint32_t core_;
  std::unordered_map<std::uint32_t, SharedGroup> groups_;
};

}  // namespace martlet::broker
