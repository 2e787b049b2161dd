// How long a server's certificate is good.
#pragma once

#include <cstdint>
#include <string>

namespace martlet::net {

struct TlsValidity {
  std::string source;  // option and file, as errors begin: "certificate: 'server.crt'"
  std::int64_t begin_wall_ms = 0;
  std::int64_t end_wall_ms = 0;
  std::string begin_text;  // "Jan  1 00:00:00 2021 GMT"
  std::string end_text;
};

}  // namespace martlet::net
