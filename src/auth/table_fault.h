// How the parts that a configuration describes say which of its tables cannot be made.
#pragma once

#include <cstddef>
#include <functional>

#include "base/result.h"

namespace martlet::auth {

// Told for each table that is wrong: its place among those of its kind, and the Error. Lines of several errors are
// separated by line breaks. Empty: nobody asks.
using TableFault = std::function<void(std::size_t table, const Error& error)>;

}  // namespace martlet::auth
