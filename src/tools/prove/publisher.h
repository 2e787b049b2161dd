// The publishing process of `martlet prove`: publishes until its standard input ends or its limit is reached, waits for
// what is not acknowledged, and tells on its standard output what became of each message (journal.h).
#pragma once

#include <cstdint>

#include "tools/prove/options.h"

namespace martlet::tools::prove {

// `options.seed` is set. Returns the exit status.
int run_publishers(const ProveOptions& options, std::uint64_t run);

}  // namespace martlet::tools::prove
