// What this binary was built from. Text lives as long as the process; any thread.
#pragma once

#include <string_view>

namespace martlet {

// The release number, such as "0.1.0".
std::string_view version();
// The abbreviated git commit, with "-dirty" if the tree had changes; "unknown" outside a git tree.
std::string_view commit();
// The compiler and its version, such as "g++ 12.2.0".
std::string_view compiler();

}  // namespace martlet
