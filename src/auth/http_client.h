// Posts JSON to one URL or gets what is there, with libcurl. Connections are kept and used again. Any thread, several
// at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "env/files.h"

namespace martlet::auth {

inline constexpr std::size_t kMaxHttpAnswerBytes = 65'536;

struct HttpAnswer {
  long status = 0;
  std::string body;
  bool too_large = false;  // more than kMaxHttpAnswerBytes; then without the body
};

struct HttpTarget {
  std::string url;         // http or https; no user name, password or fragment
  std::string ca_file;     // of those who may sign the service's certificate; empty: the system's
  std::string token_file;  // sent as Authorization: Bearer; empty: none
};

class HttpClient {
 public:
  // An Error names the option (url, ca_file, token_file) and says what to do. Reads the files, asks nobody.
  static Result<std::unique_ptr<HttpClient>> make(const HttpTarget& target, env::Files& files);
  virtual ~HttpClient() = default;

  // An Error when no whole answer came within `timeout_ms`. Follows no redirect and takes no proxy from the
  // environment: whoever is asked is who was configured.
  virtual Result<HttpAnswer> post(std::string_view json, std::int64_t timeout_ms) = 0;
  virtual Result<HttpAnswer> get(std::int64_t timeout_ms) = 0;
};

}  // namespace martlet::auth
