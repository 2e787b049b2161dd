// Changes the text of a password file (auth/password_file.h); comments, order and other users' lines stay as they are.
// Pure functions, any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace martlet::auth {

// Whether a user of this name can stand in a password file and come in a CONNECT; the Error says why not.
Result<void> check_user_name(std::string_view user);

// The users in order, each once.
std::vector<std::string> users_of(std::string_view text);

// Whether `user` has a line with SCRAM keys.
bool has_scram_keys(std::string_view text, std::string_view user);

// `text` with all lines of `user` replaced by one for each of `hashes`, in the place of the first one; at the end if
// there was none.
std::string with_user(std::string_view text, std::string_view user, const std::vector<std::string>& hashes);

// Without the lines of `user`.
std::string without_user(std::string_view text, std::string_view user);

// A hash of a plain text password.
using HashMaker = std::function<Result<std::string>(std::string_view password)>;

// What convert_plain_texts() did.
struct Converted {
  std::string text;
  std::size_t passwords = 0;  // that were plain and are hashes now
};
// Replaces every plain text password, which is all that follows the first colon without the blanks around it, by its
// hash; what is a hash stays. The Error begins with the line's number: no password, or the beginning of a hash with
// something wrong behind it.
Result<Converted> convert_plain_texts(std::string_view text, const HashMaker& make);

}  // namespace martlet::auth
