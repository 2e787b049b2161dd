// Shared subscriptions: their members, and whose turn it is [4.8.2].
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/random.h"
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
  explicit SharedGroups(SharedStrategy strategy, std::uint64_t seed) : strategy_(strategy), random_(seed) {}

  struct Joined {
    SharedGroup* group;
    bool new_group;
    bool new_member;
  };
  // Adds the member or replaces its options.
  Joined join(std::string_view share, std::string_view filter, const SharedMember& member);
  SharedGroup* find(std::uint32_t id);
  // Takes the member out; true if the group is empty now: the caller forgets its filter, then calls erase().
  bool leave(SharedGroup& group, const Session& session);
  void erase(std::uint32_t id);
  std::size_t size() const { return groups_.size(); }

  // The member for a message: connected ones first, then sessions that wait offline; never `except`. Null if there is
  // none.
  const SharedMember* pick(SharedGroup& group, std::string_view topic, std::uint32_t publisher, const Session* except);

 private:
  std::size_t first_choice(SharedGroup& group, std::string_view topic, std::uint32_t publisher);
  const SharedMember* least_in_flight(const SharedGroup& group, const Session* except) const;

  SharedStrategy strategy_;
  Random random_;
  std::uint32_t last_id_ = 0;
  std::unordered_map<std::uint32_t, SharedGroup> groups_;
  std::unordered_map<std::string, std::uint32_t> ids_;
};

}  // namespace martlet::broker
