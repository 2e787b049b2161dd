// What a client is told once: where to, as whom, and its limits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "client/backoff.h"
#include "env/endpoint.h"
#include "session/endpoint.h"
#include "wire/properties.h"
#include "wire/types.h"

namespace martlet::client {

struct WillOptions {
  std::string topic;
  std::string payload;
  wire::QoS qos = wire::QoS::at_most_once;
  bool retain = false;
  wire::PropertyWriter properties;
};

// As far as the server role's defaults do not fit a client.
session::EndpointOptions client_endpoint_defaults();

struct ClientOptions {
  env::Endpoint server{"localhost", 1883};
  wire::ProtocolVersion version = wire::ProtocolVersion::v5_0;
  std::string client_id;
  // Of the first connection. Later ones keep the session where it outlives the connection [3.1.2.4].
  bool clean_start = true;
  std::uint16_t keep_alive_s = 60;
  std::optional<std::string> username;
  std::optional<std::string> password;
  std::optional<WillOptions> will;
  // Of CONNECT. Receive maximum, maximum packet size and topic alias maximum go into `endpoint` instead.
  wire::PropertyWriter properties;

  // False: a first connection that fails ends the client (command-line tools).
  bool retry_first_connect = true;
  // False: any lost connection ends it.
  bool reconnect = true;
  BackoffOptions backoff;
  std::int64_t goodbye_ms = 2'000;  // to send the rest and DISCONNECT when it stops
  session::EndpointOptions endpoint = client_endpoint_defaults();
};

}  // namespace martlet::client
