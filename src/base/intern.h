// Texts that live for ever: names of rules that verdicts refer to after the configuration they came from is gone.
#pragma once

#include <string_view>

namespace martlet {

// The same pointer for the same text. Any thread. Never freed: only for what an operator wrote, never for what clients
// send.
const char* intern(std::string_view text);

}  // namespace martlet
