#include "broker/options.h"

namespace martlet::broker {

std::vector<ListenerPolicy> complete_policies(const BrokerOptions& options, std::vector<ListenerPolicy> policies) {
  if (policies.empty()) {
    policies.emplace_back();
    policies.front().name = "default";
    policies.front().endpoint = options.endpoint;
  }
  for (ListenerPolicy& policy : policies) {
    if (policy.max_keep_alive_s == 0) policy.max_keep_alive_s = options.max_keep_alive_s;
    if (policy.publish_rate_per_s == 0) policy.publish_rate_per_s = options.publish_rate_per_s;
    if (policy.publish_bytes_per_s == 0) policy.publish_bytes_per_s = options.publish_bytes_per_s;
    policy.endpoint.topic_prefix = policy.mount_point;
    policy.endpoint.outbox_high_bytes = options.endpoint.outbox_high_bytes;  // the driver has one mark for all
  }
  return policies;
}

}  // namespace martlet::broker
