// A checked configuration in the shape in which the parts of the broker take it.
#pragma once

#include "auth/options.h"
#include "broker/listener_policy.h"
#include "server/config/server_config.h"

namespace martlet::server {

// What holds for the clients of `listener`: its own limits, and the broker's where it has none.
broker::ListenerPolicy policy_of(const ServerConfig& config, const ListenerConfig& listener);

// Providers and rules, and for each listener, by its index, who may connect through it. Whether somebody without a name
// may: as the listener says, else auth.allow_anonymous, else if there is no provider.
auth::AuthOptions auth_options_of(const ServerConfig& config);

}  // namespace martlet::server
