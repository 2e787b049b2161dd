// What holds for the clients of one listener.
#pragma once

#include <cstdint>
#include <string>

#include "session/endpoint.h"
#include "wire/types.h"

namespace martlet::broker {

struct ListenerPolicy {
  std::string name;                    // for logs and rules
  session::EndpointOptions endpoint;   // limits of its connections
  std::uint32_t max_connections = 0;   // of this listener, on all cores; 0: no limit of its own
  std::uint16_t max_keep_alive_s = 0;  // as BrokerOptions'; 0: that one
  // As BrokerOptions'; 0: that one.
  std::uint32_t publish_rate_per_s = 0;
  std::uint64_t publish_bytes_per_s = 0;
  bool allow_v3_1 = true;
  bool allow_v3_1_1 = true;
  bool allow_v5_0 = true;
  // Put in front of every topic name and filter of its clients, and taken off what they are sent: rules, retained
  // messages and other listeners see the whole name.
  std::string mount_point;
  // The user name that authentication ended with becomes the client identifier.
  bool username_as_client_id = false;

  bool allows(wire::ProtocolVersion version) const {
    switch (version) {
      case wire::ProtocolVersion::v3_1:
        return allow_v3_1;
      case wire::ProtocolVersion::v3_1_1:
        return allow_v3_1_1;
      case wire::ProtocolVersion::v5_0:
        break;
    }
    return allow_v5_0;
  }
};

}  // namespace martlet::broker
