// TCP for threads that may wait, where each wait has an end: what libraries and protocols need that a worker thread
// speaks, beside the reactor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "env/deadline.h"
#include "env/endpoint.h"
#include "env/posix/descriptor.h"

namespace martlet::env::posix {

struct Readiness {
  bool read = false;
  bool write = false;
};

// Waits until `fd` can be read or written as wanted, or has failed (then its next use tells). False when the time is
// over first.
bool wait_ready(int fd, Readiness wanted, const Deadline& deadline);

// The numeric addresses of `host`, best first; at once if it is one. A name service that is late is left behind with a
// thread of its own, which ends with it.
Result<std::vector<std::string>> resolve_within(const std::string& host, const Deadline& deadline);

// A connected socket. One thread at a time.
class BoundedSocket {
 public:
  // Tries each address of the host. An Error names the endpoint.
  static Result<BoundedSocket> connect(const Endpoint& endpoint, const Deadline& deadline);

  // All of `bytes`.
  Result<void> write(ByteView bytes, const Deadline& deadline);
  // At least one byte into `room`. An Error at the end of the stream, too.
  Result<std::size_t> read(std::span<std::uint8_t> room, const Deadline& deadline);
  // Nothing came and the peer has not closed: as it should be while nobody asks anything.
  bool quiet() const;

  // Gives up the descriptor, non-blocking, to a library that closes it.
  int release() { return socket_.release(); }

 private:
  explicit BoundedSocket(OwnedDescriptor socket) : socket_(std::move(socket)) {}

  OwnedDescriptor socket_;
};

}  // namespace martlet::env::posix
