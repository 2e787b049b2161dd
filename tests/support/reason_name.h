// Reason codes by number or by the specification's words with hyphens: "not-authorized".
#pragma once

#include <cstdint>

#include "tests/support/text_value.h"

namespace martlet::test {

// TextError if no reason code has that name.
std::uint64_t reason_number(const Value& value);

}  // namespace martlet::test
