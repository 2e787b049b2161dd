// The broker's authorizer: the sources in order, and shadows beside them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/access_shadow.h"
#include "auth/access_source.h"
#include "broker/ports.h"

namespace martlet::auth {

// The first source that has an opinion decides. Without one: what is received was subscribed to, and is allowed; all
// else is denied, but allowed if there is no source for the client's listener at all. A superuser may do everything.
// Any thread, several at once.
class AccessChain final : public broker::Authorizer {
 public:
  using Sources = std::vector<std::shared_ptr<AccessSource>>;

  // `shadows` make a second chain, which decides nothing: see differences(). `first_seen`: see ShadowTable.
  AccessChain(Sources sources, Sources shadows, ShadowTable::FirstSeen first_seen);

  broker::AccessDecision may_publish(const broker::Actor& actor, std::string_view topic, wire::QoS qos,
                                     bool retain) override;
  broker::AccessDecision may_subscribe(const broker::Actor& actor, std::string_view filter, wire::QoS qos) override;
  bool checks_receive() const override { return checks_receive_; }
  broker::AccessDecision may_receive(const broker::Actor& actor, std::string_view topic) override;

  // What the shadows would have decided otherwise, the most frequent first, and what was not counted singly.
  std::vector<ShadowDifference> differences() const { return table_.lines(); }
  std::uint64_t missed_differences() const { return table_.missed(); }
  bool has_shadow() const { return !shadows_.empty(); }

  struct Explained {
    broker::AccessDecision decision;
    struct Source {
      std::string name;
      Explanation explanation;
    };
    std::vector<Source> sources;  // those that were asked, in order; the last may have decided
  };
  // For an operator: the real decision and its way. `actor.answers` is not asked.
  Explained explain(const broker::Actor& actor, const AccessQuestion& question) const;

 private:
  broker::AccessDecision decide(const broker::Actor& actor, const AccessQuestion& question);
  void compare(const broker::Actor& actor, const AccessQuestion& question, const broker::AccessDecision& real);

  Sources sources_;
  Sources shadows_;
  bool checks_receive_ = false;
  ShadowTable table_;
};

}  // namespace martlet::auth
