// Reads Martlet's rules file (docs/access.md).
#pragma once

#include <cstddef>
#include <string_view>

#include "auth/access_rule.h"
#include "base/result.h"

namespace martlet::auth {

inline constexpr std::size_t kMaxAccessFileBytes = 32u << 20;
inline constexpr std::size_t kMaxAccessRules = 100'000;

// The error has what is wrong in the file, at most 20 lines "FILE:LINE: what" in their order, and how many more there
// are.
Result<AccessRuleFile> parse_access_rules(std::string_view text, std::string_view file_name);

}  // namespace martlet::auth
