// A user as a database keeps it: password hash, and what else there is. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/lookups.h"
#include "auth/provider.h"
#include "base/result.h"

namespace martlet::auth {

struct UserRow {
  std::optional<std::string> password_hash;
  bool superuser = false;
  std::vector<std::string> groups;
};

// "1", "t", "true", "y", "yes", "on" are true, "0", "f", "false", "n", "no", "off" and "" are false, whatever their
// case; an Error for others.
Result<bool> parse_flag(std::string_view text);

// "a, b,c": without blanks around and empty ones.
std::vector<std::string> parse_comma_list(std::string_view text);

// PostgreSQL's text of an array of one dimension: {a,"b c",NULL}; NULLs are left out.
Result<std::vector<std::string>> parse_array(std::string_view text);

// Whether the client has the password that belongs to `row`, and what it is granted then.
Opinion opinion_of(UserRow row, const Credentials& credentials, VerifyHash verify);

}  // namespace martlet::auth
