// Outcome of an operation that can fail for a reason a person must read (disk, network, configuration).
// Hostile bytes are not an Error: they are answered with a reason code (wire/reason.h).
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace martlet {

struct Error {
  // One line: what failed, on what, and what to do about it.
  std::string message;
  // errno of the system call behind it, 0 if none.
  int system_code = 0;
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(std::string message, int system_code = 0) {
  return tl::unexpected<Error>(Error{std::move(message), system_code});
}

}  // namespace martlet
