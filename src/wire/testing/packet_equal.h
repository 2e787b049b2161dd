// Whether two packets say the same; views are compared by what they show.
#pragma once

#include "wire/packet.h"

namespace martlet::wire {

bool same_packet(const Packet& a, const Packet& b);

}  // namespace martlet::wire
