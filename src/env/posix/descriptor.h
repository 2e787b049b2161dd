// What the POSIX files of env share: descriptors and error texts.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "env/handle.h"

namespace martlet::env::posix {

inline int descriptor(Handle handle) {
  return static_cast<int>(handle);
}

// An Error "<what>: <the system's text for `code`>".
tl::unexpected<Error> system_error(std::string_view what, int code);

// read(2) as an IoOutcome; repeats when interrupted.
IoOutcome read_descriptor(int fd, void* room, std::size_t size);

// Writes all of `bytes`; waits where the descriptor happens to be non-blocking. 0 or an errno.
int write_fully(int fd, ByteView bytes);

// Makes writing to a closed socket or pipe an error instead of the process's end.
void ignore_sigpipe();

// Closes its descriptor at the end of the scope.
class OwnedDescriptor {
 public:
  explicit OwnedDescriptor(int fd = -1) : fd_(fd) {}
  OwnedDescriptor(OwnedDescriptor&& other) noexcept : fd_(other.release()) {}
  OwnedDescriptor& operator=(OwnedDescriptor&& other) noexcept;
  ~OwnedDescriptor() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release();
  void reset();

 private:
  int fd_;
};

}  // namespace martlet::env::posix
