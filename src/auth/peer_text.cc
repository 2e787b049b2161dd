#include "auth/peer_text.h"

#include "env/endpoint.h"

namespace martlet::auth {

std::string without_port(std::string_view address) {
  auto endpoint = env::parse_endpoint(address, 0);
  return endpoint ? std::move(endpoint->host) : std::string(address);
}

std::string address_of(const Credentials& credentials) {
  const bool told = credentials.peer != nullptr && !credentials.peer->address.empty();
  return without_port(told ? credentials.peer->address : credentials.peer_address);
}

}  // namespace martlet::auth
