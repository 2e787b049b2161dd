// A scenario file: its head (what it covers, options, heights) and its steps.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/options.h"

namespace martlet::scenario {

struct Step {
  int line = 0;
  std::string text;         // without comment; of a block, without its brace
  std::vector<Step> block;  // between { and }
  bool has_block = false;
};

struct Script {
  std::string path;
  std::string title;  // the first comment line
  std::vector<std::string> covers;
  std::string only;  // "memory", "sockets" or empty
  broker::BrokerOptions options;
  std::vector<Step> steps;
};

// Reads a file's text. Throws test::TextError with path and line.
Script parse_script(std::string path, std::string_view text);

}  // namespace martlet::scenario
