// What an HTTP service says of a client. Pure.
#pragma once

#include <cstdint>

#include "auth/http_client.h"
#include "auth/lookup_provider.h"

namespace martlet::auth {

// 200 with {"result": "allow"|"deny"|"ignore", "username": TEXT, "is_superuser": BOOL, "groups": [TEXT, ...],
// "acl": (auth/acl_json.h), "expire_at": Unix seconds}, of which only `result` must be there and others are ignored
// (EMQX's HTTP authentication); 204 allows, 401 and 403 refuse. Anything else is a failure, 502, 503 and 504 one of the
// service itself.
Asked read_http_answer(const HttpAnswer& answer, std::int64_t wall_ms);

}  // namespace martlet::auth
