// A packet on one line, for -d.
#pragma once

#include <string>

#include "wire/packet.h"

namespace martlet::tools {

// For example "PUBLISH (d0, q1, r0, m1, 'a/b', ... (5 bytes))"; properties that it has follow.
std::string packet_text(const wire::Packet& packet);

}  // namespace martlet::tools
