// What a simulated client is surrounded by. All of it outlives the client.
#pragma once

#include "base/random.h"
#include "env/sim/clock.h"
#include "env/sim/network.h"
#include "sim/oracle.h"
#include "sim/trace.h"
#include "sim/wills.h"

namespace martlet::sim {

struct Surroundings {
  Random& random;
  env::sim::SimulatedNetwork& network;
  Oracle& oracle;
  Wills& wills;
  Trace& trace;

  bool chance(std::uint32_t percent) const { return random.below(100) < percent; }
};

}  // namespace martlet::sim
