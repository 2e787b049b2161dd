// The URL of a service that is asked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace martlet::auth {

struct ServiceUrl {
  std::string scheme;
  std::string user;        // decoded
  std::string host;        // without brackets
  std::uint16_t port = 0;  // 0: none given
  std::string path;        // decoded, with its slash
  bool has_query = false;
};

// Reads "scheme://[user@]host[:port][/path][?query]". An Error begins with "url: " and never shows the text, which may
// hold a secret: a password or a fragment (#) is one.
Result<ServiceUrl> parse_service_url(std::string_view text);

}  // namespace martlet::auth
