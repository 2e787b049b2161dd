#include "client/options.h"

namespace martlet::client {

session::EndpointOptions client_endpoint_defaults() {
  session::EndpointOptions options;
  options.role = session::Role::client;
  options.max_packet_bytes = wire::kMaxRemainingLength;  // nothing is announced: the client takes what it subscribed to
  options.receive_maximum = 1'000;
  options.max_in_flight = 1'000;    // the server's receive maximum bounds it further
  options.max_in_flight_bytes = 0;  // it keeps what it publishes anyway
  options.queue = {.max_messages = 10'000, .max_bytes = 16u << 20, .policy = session::DropPolicy::drop_newest};
  return options;
}

}  // namespace martlet::client
