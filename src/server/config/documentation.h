// The options' part of docs/configuration.md, made from the table.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace martlet::server {

// All options as Markdown tables, one a section.
std::string options_markdown();

// `page` with what stands between its two marker lines replaced by options_markdown(); an Error if they are missing.
Result<std::string> renew_page(std::string_view page);

}  // namespace martlet::server
