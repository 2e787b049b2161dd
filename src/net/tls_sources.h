// The files that a listener's TLS is made of, read once each and remembered by name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "env/files.h"

namespace martlet::net {

class TlsSources {
 public:
  // More is no certificate, list of revoked ones or file of keys.
  static constexpr std::size_t kMostFileBytes = 32 * 1024 * 1024;

  // `files` outlives it.
  explicit TlsSources(env::Files& files) : files_(files) {}

  // All of `path`; an Error begins with `option`, whose value the path is.
  Result<std::string> read(std::string_view option, const std::string& path);
  // Remembers a name without reading.
  void add(const std::string& path) { names_.push_back(path); }
  // Every path that was read or added, in that order; one may be there twice.
  const std::vector<std::string>& names() const { return names_; }

  // What an operator should know although it is no error, one line each.
  std::vector<std::string> warnings;

 private:
  env::Files& files_;
  std::vector<std::string> names_;
};

}  // namespace martlet::net
