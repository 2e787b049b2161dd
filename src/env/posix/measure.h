// Small things that measuring and reports of progress need of the system.
#pragma once

#include <cstdint>
#include <optional>

#include "env/handle.h"

namespace martlet::env::posix {

// CLOCK_MONOTONIC in nanoseconds. Any thread.
std::uint64_t monotonic_ns();

// CPU time of all threads of a process of this machine, those that ended too, in nanoseconds; nothing if there is no
// such process. Any thread.
std::optional<std::uint64_t> process_cpu_ns(std::int32_t pid);

// True when a person reads what is written to `stream`.
bool is_terminal(Handle stream);

}  // namespace martlet::env::posix
