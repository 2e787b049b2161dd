// Authorisation by a call-out: a service is asked who may do what, in a worker; its answers are remembered.
#pragma once

#include <memory>

#include "auth/access_source.h"
#include "auth/http_client.h"
#include "auth/options.h"
#include "auth/workers.h"
#include "base/result.h"
#include "env/clock.h"
#include "env/entropy.h"
#include "env/files.h"

namespace martlet::auth {

// A source that posts {"action": "publish"|"subscribe", "topic", "qos", "retain", "client_id", "username", "address",
// "listener_index", "tls", and what is known of the certificate} and is answered as read_http_access() says. What is
// not remembered is pending, and the service's word is the whole decision then: so "ignore" denies, always. It has no
// opinion about receiving. A service that cannot be asked denies with the rule "NAME: service failed", and is left
// alone for a while (CircuitBreaker). An Error names the option. `workers` outlives it.
Result<std::shared_ptr<AccessSource>> make_http_access(const AccessOptions& options, env::Files& files,
                                                       Workers& workers);

// The same with another clock.
Result<std::shared_ptr<AccessSource>> make_http_access(const AccessOptions& options, env::Files& files,
                                                       Workers& workers, std::unique_ptr<env::Clock> clock,
                                                       env::Entropy& entropy);

enum class HttpAccess : std::uint8_t { allow, deny, ignore, failed, service_failed };

// 200 with {"result": "allow"|"deny"|"ignore"}, 204 allows, 401 and 403 deny; anything else is a failure, 502, 503 and
// 504 one of the service itself. Pure.
HttpAccess read_http_access(const HttpAnswer& answer);

}  // namespace martlet::auth
