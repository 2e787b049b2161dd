// The option -L: mqtt://[user[:password]@]host[:port][/topic].
#pragma once

#include <string_view>

#include "base/result.h"
#include "tools/settings.h"

namespace martlet::tools {

// Takes the URL's parts into the settings. In the user's name and the password %XX stands for a byte; the topic is
// taken as it is.
Result<void> apply_url(Settings& settings, std::string_view url);

}  // namespace martlet::tools
