// Processors and the threads on them.
#pragma once

#include <cstdint>

namespace martlet::env::posix {

// How many processors this process may run on, at least 1.
std::uint32_t usable_processors();
// Keeps the calling thread on one of them: the `index`-th, round and round. False if the system refuses.
bool pin_thread(std::uint32_t index);

}  // namespace martlet::env::posix
