// The file of shared keys: whatever is in it, a table or an error that names a line; a table finds what it holds and is
// the same without its comments.
#include <string>

#include "base/check.h"
#include "net/tls_psk.h"

using martlet::as_text;
using martlet::check;
using martlet::net::PskTable;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(as_text({data, size}));
  const auto table = PskTable::parse(text, "psk");
  if (!table) {
    check(table.error().message.starts_with("psk:"), "an error names the file");
    check(table.error().message.find('\n') == std::string::npos, "an error is one line");
    return 0;
  }
  check(table->size() > 0 && table->size() * 4 <= size + 1, "each key has its line");
  check(table->weak_keys() <= table->size(), "weak keys are keys");
  const auto commented = PskTable::parse("# first\n\n" + text + "\n# last\n", "psk");
  check(commented && commented->size() == table->size(), "comments change nothing");
  const std::size_t colon = text.find(':');
  check(colon != std::string::npos, "a key follows a colon");
  return 0;
}
