#include "broker/router.h"

#include <algorithm>

namespace martlet::broker {

std::span<const Target> Router::match(std::string_view topic, std::uint64_t publisher) {
  ++round_;
  targets_.clear();
  links_.clear();
  visited_ = 0;
  index_.match(topic, [&](const topic::Subscription& subscription) {
    ++visited_;
    if (subscription.subscriber & kGroupBit) {
      Target target;
      target.group = subscription.subscriber & ~kGroupBit;
      targets_.push_back(target);
      return;
    }
    const auto options = wire::SubscriptionOptions::from_byte(subscription.options);
    Session* session = sessions_.find(subscription.subscriber);
    if (!session || (options.no_local && session->client_hash == publisher)) return;
    add_session(*session, subscription);
  });
  return targets_;
}

void Router::add_session(Session& session, const topic::Subscription& subscription) {
  const auto options = wire::SubscriptionOptions::from_byte(subscription.options);
  if (overlap_ == OverlapDelivery::separate || session.match_round != round_) {
    session.match_round = round_;
    session.match_index = static_cast<std::uint32_t>(targets_.size());
    Target target;
    target.session = &session;
    targets_.push_back(target);
  }
  Target& target = targets_[session.match_index];
  target.qos = std::max(target.qos, options.qos);
  target.retain_as_published |= options.retain_as_published;
  if (subscription.identifier != 0) add_identifier(target, subscription.identifier);
}

void Router::add_identifier(Target& target, std::uint32_t identifier) {
  links_.push_back({identifier, target.first_identifier});
  target.first_identifier = static_cast<std::uint32_t>(links_.size());
}

std::span<const std::uint32_t> Router::identifiers_of(const Target& target) {
  identifiers_.clear();
  for (std::uint32_t at = target.first_identifier; at != 0; at = links_[at - 1].next) {
    identifiers_.push_back(links_[at - 1].identifier);
  }
  return identifiers_;
}

}  // namespace martlet::broker
