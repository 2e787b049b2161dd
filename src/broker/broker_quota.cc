// Clients that publish faster than they may: they are not read on until they have tokens again.
#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "broker/broker.h"

namespace martlet::broker {

void Broker::open_account(Connection& connection, const Now& now) {
  const PublishRates own{connection.policy->publish_rate_per_s, connection.policy->publish_bytes_per_s};
  const PublishRates user{options_.user_publish_rate_per_s, options_.user_publish_bytes_per_s};
  const std::string_view username = connection.session->username;
  const bool by_user = user.any() && !username.empty();
  if (!own.any() && !by_user) return;
  connection.aside.make().quota =
      std::make_unique<PublishQuota>(PublishQuota{PublishBuckets(own, now.mono_ms), nullptr});
  if (by_user) connection.aside->quota->user = commons_.users().of(username, user, now.mono_ms);
}

void Broker::charge(Connection& connection, const wire::Publish& publish, const Now& now) {
  PublishQuota& quota = *connection.aside->quota;
  const std::size_t size = publish.topic.size() + publish.properties.raw().size() + publish.payload.size();
  DeadlineMs ready_ms = quota.own.take(size, now.mono_ms);
  if (quota.user) ready_ms = std::max(ready_ms, quota.user->take(size, now.mono_ms));
  if (ready_ms <= now.mono_ms) return;
  quota.held_until_ms = ready_ms;
  ports_.transport.pause_reading(connection.id, true);
  arm(connection);
  if (!std::exchange(quota.told, true)) log_held(connection);
}

void Broker::quota_due(Connection& connection, const Now& now) {
  PublishQuota& quota = *connection.aside->quota;
  if (quota.held_until_ms > now.mono_ms) return;
  // Others of the same user may have been first.
  const DeadlineMs ready_ms = quota.user ? quota.user->ready_at(now.mono_ms) : now.mono_ms;
  quota.held_until_ms = ready_ms > now.mono_ms ? ready_ms : kNever;
  go_on(connection, now);
}

}  // namespace martlet::broker
