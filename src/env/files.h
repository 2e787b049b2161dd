// Files and standard streams as far as configuration and the tools need them.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "env/handle.h"

namespace martlet::env {

class Files {
 public:
  virtual ~Files() = default;

  // The whole of `path`; an Error when it cannot be read or holds more than `max_bytes`.
  virtual Result<std::string> read_all(const std::string& path, std::size_t max_bytes) = 0;
  // Replaces the contents of `path`, creating it with mode 0644 less the umask. Not synced to disk.
  virtual Result<void> write_all(const std::string& path, ByteView bytes) = 0;
  // Adds `bytes` at the end of `path`, creating it as write_all does. Not synced to disk.
  virtual Result<void> append(const std::string& path, ByteView bytes) = 0;

  // Whether users who neither own `path` nor are in its group may read it; false where that is not known.
  virtual bool others_may_read(const std::string& path) {
    (void)path;
    return false;
  }

  // One read of at most room.size() bytes from an open stream (standard input). Blocks on a stream that has nothing,
  // unless the poller said that it is readable. `closed` at the end of the stream.
  virtual IoOutcome read_some(Handle stream, std::span<std::uint8_t> room) = 0;
  // Writes all of `bytes` to an open stream (standard output), blocking as long as that takes.
  virtual Result<void> write_stream(Handle stream, ByteView bytes) = 0;
};

}  // namespace martlet::env
