// The broker's options as a scenario sets them: `set maximum-qos=1`.
#pragma once

#include <string_view>

#include "broker/options.h"
#include "tests/support/text_value.h"

namespace martlet::test {

// TextError if there is no such option or the value does not fit.
void set_option(broker::BrokerOptions& options, std::string_view name, const Value& value);

}  // namespace martlet::test
