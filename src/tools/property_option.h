// The option -D COMMAND PROPERTY [NAME] VALUE: one property of one of the packets that the tools send.
#pragma once

#include "base/result.h"
#include "tools/settings.h"

namespace martlet::tools {

// How many values `-D` takes, beginning with `values[0]`, the command: 3, or 4 for a user property.
std::size_t property_value_count(Values values);

// Adds it to the settings. An Error names the legal commands or properties, or what is wrong with the value.
Result<void> apply_property(Settings& settings, Values values);

}  // namespace martlet::tools
