#include "tests/support/reason_name.h"

#include <algorithm>

#include "wire/reason.h"

namespace martlet::test {

std::uint64_t reason_number(const Value& value) {
  if (value.kind == Value::Kind::number) return value.number;
  if (value.kind != Value::Kind::word) throw TextError("a reason is a number or a name");
  for (unsigned code = 0; code < 256; ++code) {
    std::string name = wire::reason_text(static_cast<wire::ReasonCode>(code));
    std::replace(name.begin(), name.end(), ' ', '-');
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (name == value.bytes) return code;
  }
  throw TextError("no reason code is named '" + value.bytes + "'");
}

}  // namespace martlet::test
