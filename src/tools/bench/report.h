// A run's result for people and for programs.
#pragma once

#include <string>
#include <string_view>

#include "tools/bench/run.h"

namespace martlet::tools::bench {

// "clean" or "FAULTY".
std::string_view verdict_word(const RunResult& result, const BenchOptions& options);
// A few lines, the verdict last.
std::string to_table(const RunResult& result, const BenchOptions& options);
// One JSON object and a line's end. Times in microseconds, sizes in bytes; "broker" only when it was watched.
std::string to_json(const RunResult& result, const BenchOptions& options);

}  // namespace martlet::tools::bench
