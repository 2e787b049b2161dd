// Files that are texts in memory, for tests.
#pragma once

#include <map>
#include <string>

#include "env/files.h"

namespace martlet::auth::testing {

class MemoryFiles final : public env::Files {
 public:
  std::map<std::string, std::string> texts;

  Result<std::string> read_all(const std::string& path, std::size_t max_bytes) override {
    const auto found = texts.find(path);
    if (found == texts.end()) return fail("cannot open '" + path + "': No such file or directory", 2);
    if (found->second.size() > max_bytes) return fail("'" + path + "' is too large");
    return found->second;
  }
  Result<void> write_all(const std::string&, ByteView) override { return fail("not supported"); }
  Result<void> append(const std::string&, ByteView) override { return fail("not supported"); }
  env::IoOutcome read_some(env::Handle, std::span<std::uint8_t>) override { return {}; }
  Result<void> write_stream(env::Handle, ByteView) override { return fail("not supported"); }
};

}  // namespace martlet::auth::testing
