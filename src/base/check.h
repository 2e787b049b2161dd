// Always-on assertion of an invariant: a broken one ends the process, in release builds too.
#pragma once

#include <source_location>

namespace martlet {

[[noreturn]] void check_failed(const char* what, const std::source_location& where);

// `what` says in words which invariant must hold.
inline void check(bool holds, const char* what, const std::source_location& where = std::source_location::current()) {
  if (!holds) [[unlikely]]
    check_failed(what, where);
}

}  // namespace martlet
