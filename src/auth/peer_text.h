// What services are told of a client's address.
#pragma once

#include <string>
#include <string_view>

#include "auth/provider.h"

namespace martlet::auth {

// "192.0.2.1" of "192.0.2.1:50123", "2001:db8::1" of "[2001:db8::1]:50123"; what is neither, as it is.
std::string without_port(std::string_view address);

// The address that a PROXY header told, or else the socket's; without the port.
std::string address_of(const Credentials& credentials);

}  // namespace martlet::auth
