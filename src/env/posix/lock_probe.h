// Who holds a lock on a file.
#pragma once

#include <cstdint>
#include <string>

namespace martlet::env::posix {

// The process that holds an fcntl lock on any byte of `path`; 0 if none does, if it is this one, or if the file cannot
// be opened. Changes nothing; but a process that holds a lock on the file itself loses it by asking.
std::int64_t lock_holder(const std::string& path);

}  // namespace martlet::env::posix
