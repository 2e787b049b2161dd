// The result for people and for programs.
#pragma once

#include <string>

#include "tools/prove/options.h"
#include "tools/prove/run.h"

namespace martlet::tools::prove {

std::string to_table(const RunResult& result, const ProveOptions& options);
// One object on one line.
std::string to_json(const RunResult& result, const ProveOptions& options);

}  // namespace martlet::tools::prove
