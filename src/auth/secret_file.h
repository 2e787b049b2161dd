// Files that hold one secret: a password, a token.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "env/files.h"

namespace martlet::auth {

// The first line of `path`, which `option` names, without its end; empty if `path` is. An Error when the file cannot be
// read, is empty, has more lines, or a character that no header or protocol takes (control characters).
Result<std::string> read_secret(env::Files& files, std::string_view option, const std::string& path);

// That `path`, which `option` names, can be read, unless it is empty.
Result<void> check_readable(env::Files& files, std::string_view option, const std::string& path);

}  // namespace martlet::auth
