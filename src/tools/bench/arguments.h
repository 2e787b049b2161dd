// The bench's command line.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tools/bench/options.h"

namespace martlet::tools::bench {

struct ParsedArguments {
  BenchOptions options;
  bool help = false;
  bool list = false;  // of the scenarios
};

// `arguments` without the program's name. A scenario's or a set's settings come first, whatever the order; what is
// given explicitly overrides them. An Error names the argument and what would be right.
Result<ParsedArguments> parse_arguments(std::span<const std::string_view> arguments);

// All scenarios and sets, a line each.
std::string scenario_list();
// The whole of --help; `program` is how the user calls it.
std::string help_text(std::string_view program);

}  // namespace martlet::tools::bench
