#include "net/tls_sources.h"

#include <fmt/format.h>

namespace martlet::net {

Result<std::string> TlsSources::read(std::string_view option, const std::string& path) {
  names_.push_back(path);
  Result<std::string> text = files_.read_all(path, kMostFileBytes);
  if (text) return text;
  return fail(
      fmt::format("{}: {}; check the path and that the broker's user may read it", option, text.error().message),
      text.error().system_code);
}

}  // namespace martlet::net
