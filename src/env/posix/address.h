// Endpoints as the kernel's socket addresses and back.
#pragma once

#include <vector>

#include "base/result.h"
#include "env/endpoint.h"
#include "env/posix/socket_address.h"

namespace martlet::env::posix {

// Addresses of a host in the system's order of preference; at once if it is numeric, else through the name service.
Result<std::vector<SocketAddress>> resolve_addresses(const Endpoint& endpoint);

// Every address of one family.
SocketAddress any_address(int family, std::uint16_t port);

// An IPv4 address that came in through an IPv6 listener is given as IPv4.
Endpoint to_endpoint(const SocketAddress& address);

}  // namespace martlet::env::posix
