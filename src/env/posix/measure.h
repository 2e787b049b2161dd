// Small things that measuring and reports of progress need of the system.
#pragma once

#include <cstdint>

#include "env/handle.h"

namespace martlet::env::posix {

// CLOCK_MONOTONIC in nanoseconds. Any thread.
std::uint64_t monotonic_ns();

// True when a person reads what is written to `stream`.
bool is_terminal(Handle stream);

}  // namespace martlet::env::posix
