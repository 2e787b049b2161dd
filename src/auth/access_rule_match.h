// Whether one rule is for one client and one question: what AccessRules asks of the few rules that its indexes leave.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "auth/access_filter_index.h"
#include "auth/access_placeholders.h"
#include "auth/access_rule.h"
#include "auth/access_source.h"
#include "auth/grants.h"

namespace martlet::auth {

// The client that asks, for one question. What it is made of must outlive it.
class AccessAsker {
 public:
  // `table_groups`: those that the rules file puts the user in; null: none. `listeners`: names by listener_index.
  AccessAsker(const broker::Actor& actor, const std::vector<std::string>* table_groups,
              const std::vector<std::string>& listeners);

  std::string_view user() const { return actor_.username; }
  std::string_view client() const { return actor_.client_id; }
  std::string_view certificate() const;
  std::string_view listener() const;
  // Nothing for what has no address, or is not connected.
  const std::optional<NetworkAddress>& address();

  // Calls `visit(group)` until it returns true; then true.
  template <class Visit>
  bool any_group(const Visit& visit) const {
    for (const auto* groups : {granted_groups_, table_groups_}) {
      if (!groups) continue;
      for (const std::string& group : *groups) {
        if (visit(std::string_view(group))) return true;
      }
    }
    return false;
  }

 private:
  const broker::Actor& actor_;
  const std::vector<std::string>* granted_groups_;
  const std::vector<std::string>* table_groups_;
  const std::vector<std::string>& listeners_;
  std::optional<NetworkAddress> address_;
  bool address_known_ = false;
};

// Why a rule is not for a client and a question, topics aside.
enum class RuleMiss : std::uint8_t {
  none,
  action,
  user,
  anonymous,
  client,
  group,
  certificate,
  address,
  listener,
  qos,
  retain,
  topic
};

// "is for other users".
std::string_view to_text(RuleMiss miss);

// Everything but the topic.
RuleMiss find_miss(const AccessRule& rule, AccessAsker& asker, const AccessQuestion& question);

struct FilterMatch {
  bool matches = false;
  // bad_*: a placeholder could not be filled, and the topic is where the filter could have been. A denying rule matches
  // then; an allowing one does not, and denies if no other rule decides.
  Filling filling = Filling::filled;
};

// False if the text before the first placeholder tells already that the filter is not for the topic: nearly always, and
// then no filter is to be put together.
bool may_match(std::string_view filter, const AskedTopic& asked);

// Whether `filter`, one of the rule's, is for the topic. %g stands for each group that the rule is for.
FilterMatch match_filter(const AccessRule& rule, std::string_view filter, const AskedTopic& asked,
                         const AccessAsker& asker);

// Whether the asked filter and `filter` have topics in common.
bool meets_filter(const AccessRule& rule, std::string_view filter, std::string_view asked, const AccessAsker& asker);

}  // namespace martlet::auth
