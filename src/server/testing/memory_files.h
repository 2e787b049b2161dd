// Files and standard streams in memory, for tests.
#pragma once

#include <map>
#include <string>

#include "env/files.h"

namespace martlet::server {

class MemoryFiles : public env::Files {
 public:
  std::map<std::string, std::string> files;
  std::map<env::Handle, std::string> streams;
  bool broken_streams = false;

  Result<std::string> read_all(const std::string& path, std::size_t) override {
    const auto file = files.find(path);
    if (file == files.end()) return fail("cannot open '" + path + "': No such file or directory", 2);
    return file->second;
  }
  Result<void> write_all(const std::string& path, ByteView bytes) override {
    files[path] = as_text(bytes);
    return {};
  }
  Result<void> append(const std::string& path, ByteView bytes) override {
    files[path] += as_text(bytes);
    return {};
  }
  env::IoOutcome read_some(env::Handle, std::span<std::uint8_t>) override { return {env::IoStatus::closed, 0, 0}; }
  Result<void> write_stream(env::Handle stream, ByteView bytes) override {
    if (broken_streams) return fail("cannot write the output: Broken pipe", 32);
    streams[stream] += as_text(bytes);
    return {};
  }
};

}  // namespace martlet::server
