// Which addresses only this machine reaches.
#pragma once

#include <string_view>

#include "base/result.h"
#include "env/network.h"

namespace martlet::server {

// True for 127.0.0.0/8 and ::1, as numbers.
bool is_loopback_address(std::string_view numeric_host);

// True if every address that `endpoint` stands for is a loopback address. Blocks while a name is resolved; an Error if
// it has no address.
Result<bool> is_loopback(const env::Endpoint& endpoint, env::Network& network);

}  // namespace martlet::server
