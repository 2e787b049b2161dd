// Named scenarios and sets: what they set before the user's own options.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "tools/bench/options.h"

namespace martlet::tools::bench {

struct NamedScenario {
  std::string_view name;
  std::string_view help;
  void (*apply)(BenchOptions&);
};

std::span<const NamedScenario> scenarios();
// nullptr if there is none of that name.
const NamedScenario* find_scenario(std::string_view name);
std::vector<std::string_view> scenario_names();

}  // namespace martlet::tools::bench
