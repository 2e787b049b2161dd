// Who the process is.
#pragma once

#include <string>

#include "base/result.h"

namespace martlet::env::posix {

bool is_root();

// Whether both exist; without a `group` the user alone. An Error says which does not.
Result<void> check_user(const std::string& user, const std::string& group);

// Becomes `user`, and `group` or the user's own with its further groups, for good. The caller is root and has no other
// thread. An Error says which of them does not exist, or what the system refused.
Result<void> become_user(const std::string& user, const std::string& group);

// Gives `path` to that user, for what is created before become_user(). A path that is not there is no error.
Result<void> give_to_user(const std::string& path, const std::string& user, const std::string& group);

}  // namespace martlet::env::posix
