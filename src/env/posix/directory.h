// What is in a directory.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace martlet::env::posix {

// The names in `path`, without "." and "..", in no order.
Result<std::vector<std::string>> list_directory(const std::string& path);
bool is_directory(const std::string& path);

}  // namespace martlet::env::posix
