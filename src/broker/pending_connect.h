// A CONNECT between its arrival and the decision on it, which may take several AUTH packets. It owns its bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "broker/ports.h"
#include "broker/session.h"
#include "wire/packet.h"

namespace martlet::broker {

struct PendingConnect {
  wire::ProtocolVersion version;
  bool clean_start;
  std::uint16_t keep_alive_s;
  std::uint32_t expiry_s;  // as asked for
  std::string client_id;
  bool assigned = false;  // the identifier is ours
  std::string username;
  SessionWill will;
  AuthDecision decision;  // once it is "allow"
};

}  // namespace martlet::broker
