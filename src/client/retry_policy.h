// Whether it helps to come back after what the server said. Pure.
#pragma once

#include "wire/reason.h"

namespace martlet::client {

// False for reasons that the same CONNECT would meet again (credentials, client identifier, version), for redirects,
// and for a session that another client took over: two clients with one identifier would throw each other out for ever.
bool worth_retrying(wire::ReasonCode reason);

}  // namespace martlet::client
