#pragma once

#include <cstdint>

namespace martlet::server {

// Stands for an address: all of IPv4, the first 64 bits of IPv6 (a network that one customer has). 0: exempt, or no
// address.
using AddressKey = std::uint64_t;

}  // namespace martlet::server
