// From the command line to checked settings.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "env/files.h"
#include "tools/settings.h"

namespace martlet::tools {

// `arguments` are those behind `martlet pub`. `files` for -o. What comes out is complete and consistent, unless `help`
// is set. An Error says which option is wrong and what to write instead.
Result<Settings> parse_options(Tool tool, std::span<const std::string_view> arguments, env::Files& files);

}  // namespace martlet::tools
