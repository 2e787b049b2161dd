// The command line of `martlet prove`.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tools/prove/options.h"

namespace martlet::tools::prove {

// `arguments` without the program's name. An Error names the argument and what would be right.
Result<ProveOptions> parse_arguments(std::span<const std::string_view> arguments);

// Milliseconds in "1.5s", "200ms", "2m"; a bare number counts seconds.
Result<std::int64_t> parse_duration_ms(std::string_view text);

// True if --help shows an option of this name.
bool has_option(std::string_view name);

// The whole of --help; `program` is how the user calls it.
std::string help_text(std::string_view program);

}  // namespace martlet::tools::prove
