// Asks a person for a secret.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace martlet::env::posix {

// One line from standard input, at most `max_bytes` of it. At a terminal `prompt` is shown (on standard error) and what
// is typed is not; Backspace and Ctrl-U work, Ctrl-C and Ctrl-D give up. Elsewhere the line is read as it comes,
// without a prompt and without reading further than its end. An Error when there is none, when it is too long, when
// somebody gives up.
Result<std::string> read_secret_line(std::string_view prompt, std::size_t max_bytes);

}  // namespace martlet::env::posix
