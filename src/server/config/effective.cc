#include "server/config/effective.h"

#include <algorithm>

namespace martlet::server {
namespace {

auth::CertificateName certificate_name(ListenerIdentity identity) {
  switch (identity) {
    case ListenerIdentity::subject:
      return auth::CertificateName::subject;
    case ListenerIdentity::fingerprint:
      return auth::CertificateName::fingerprint;
    case ListenerIdentity::none:
    case ListenerIdentity::common_name:
      break;
  }
  return auth::CertificateName::common_name;
}

}  // namespace

broker::ListenerPolicy policy_of(const ServerConfig& config, const ListenerConfig& listener) {
  broker::ListenerPolicy policy;
  policy.name = listener.name;
  policy.endpoint = config.broker.endpoint;
  session::EndpointOptions& endpoint = policy.endpoint;
  endpoint.max_packet_bytes = listener.max_packet_bytes.value_or(endpoint.max_packet_bytes);
  endpoint.receive_maximum = listener.receive_maximum.value_or(endpoint.receive_maximum);
  endpoint.topic_alias_maximum = listener.topic_alias_maximum.value_or(endpoint.topic_alias_maximum);
  endpoint.maximum_qos = listener.maximum_qos.value_or(endpoint.maximum_qos);
  endpoint.retain_available = listener.retain_available.value_or(endpoint.retain_available);
  policy.max_connections = listener.max_connections;
  policy.max_keep_alive_s = listener.max_keep_alive_s.value_or(config.broker.max_keep_alive_s);
  const auto allows = [&](std::string_view version) {
    const auto& versions = listener.versions;
    return versions.empty() || std::find(versions.begin(), versions.end(), version) != versions.end();
  };
  policy.allow_v3_1 = allows("3.1");
  policy.allow_v3_1_1 = allows("3.1.1");
  policy.allow_v5_0 = allows("5.0");
  policy.mount_point = listener.mount_point;
  policy.username_as_client_id = listener.username_as_client_id;
  return policy;
}

auth::AuthOptions auth_options_of(const ServerConfig& config) {
  auth::AuthOptions options;
  options.providers = config.auth.providers;
  options.access = config.auth.access;
  options.workers = config.auth.workers;
  options.max_waiting = config.auth.max_waiting;
  options.coming_listeners = config.auth.coming_listeners;
  const bool anonymous = config.auth.allow_anonymous.value_or(config.auth.providers.empty());
  for (const ListenerConfig& listener : config.listeners) {
    auth::ListenerAuth& each = options.listeners.emplace_back();
    each.name = listener.name;
    each.allow_anonymous = listener.allow_anonymous.value_or(anonymous);
    each.unchecked_user_names = config.auth.unchecked_user_names;
    each.providers = listener.authentication;
    each.identity_from_tls = listener.identity != ListenerIdentity::none;
    each.identity_name = certificate_name(listener.identity);
  }
  return options;
}

}  // namespace martlet::server
