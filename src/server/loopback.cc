#include "server/loopback.h"

#include <algorithm>

namespace martlet::server {

bool is_loopback_address(std::string_view numeric_host) {
  if (numeric_host == "::1") return true;
  // Four groups of digits: a name such as "127.0.0.1.example.org" is not a number.
  return numeric_host.starts_with("127.") && std::count(numeric_host.begin(), numeric_host.end(), '.') == 3 &&
         numeric_host.find_first_not_of("0123456789.") == std::string_view::npos;
}

Result<bool> is_loopback(const env::Endpoint& endpoint, env::Network& network) {
  if (endpoint.host.empty() || endpoint.host == "*") return false;
  if (is_loopback_address(endpoint.host)) return true;
  const auto addresses = network.resolve(endpoint);
  if (!addresses) return tl::unexpected(addresses.error());
  return std::all_of(addresses->begin(), addresses->end(),
                     [](const env::Endpoint& address) { return is_loopback_address(address.host); });
}

}  // namespace martlet::server
