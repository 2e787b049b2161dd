// Files that are strings.
#pragma once

#include <cerrno>
#include <map>
#include <string>

#include "env/files.h"

namespace martlet::net::testing {

class MemoryFiles final : public env::Files {
 public:
  std::map<std::string, std::string> contents;

  Result<std::string> read_all(const std::string& path, std::size_t max_bytes) override {
    const auto found = contents.find(path);
    if (found == contents.end()) return fail("cannot open '" + path + "': No such file or directory", ENOENT);
    if (found->second.size() > max_bytes) return fail("'" + path + "' is too large");
    return found->second;
  }
  Result<void> write_all(const std::string& path, ByteView bytes) override {
    contents[path] = as_text(bytes);
    return {};
  }
  Result<void> append(const std::string& path, ByteView bytes) override {
    contents[path] += as_text(bytes);
    return {};
  }
  env::IoOutcome read_some(env::Handle, std::span<std::uint8_t>) override { return {}; }
  Result<void> write_stream(env::Handle, ByteView) override { return {}; }
};

}  // namespace martlet::net::testing
