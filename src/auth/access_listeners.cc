#include "auth/access_listeners.h"

#include <utility>

namespace martlet::auth {

AccessListeners::AccessListeners(std::shared_ptr<AccessSource> source, std::vector<bool> applies)
    : source_(std::move(source)), applies_(std::move(applies)) {}

bool AccessListeners::applies_to(const broker::Actor& actor) const {
  // Whose listener is no more is not let off: the rules of all listeners are asked.
  if (actor.listener_index == broker::kNoListener) return true;
  return actor.listener_index < applies_.size() && applies_[actor.listener_index];
}

AccessOpinion AccessListeners::check(const broker::Actor& actor, const AccessQuestion& question) {
  return applies_to(actor) ? source_->check(actor, question) : AccessOpinion();
}

Explanation AccessListeners::explain(const broker::Actor& actor, const AccessQuestion& question) {
  return applies_to(actor) ? source_->explain(actor, question) : Explanation();
}

}  // namespace martlet::auth
