// What stands between MQTT's bytes and the socket's: TLS, WebSocket, or one above the other. Without I/O: bytes in,
// bytes out. Of one connection, used by one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace martlet::tools::bench {

using ByteBuffer = std::vector<std::uint8_t>;

inline void append_bytes(ByteBuffer& to, ByteView bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

class ByteFilter {
 public:
  virtual ~ByteFilter() = default;

  // Begins the handshake; what is for the peer is appended to `to_peer`, here and below.
  virtual void start(ByteBuffer& to_peer) = 0;
  // Takes what came from the peer; appends what is for the user above to `to_user`. False: it is over, error() says
  // why.
  virtual bool receive(ByteView bytes, ByteBuffer& to_user, ByteBuffer& to_peer) = 0;
  // True once the handshake is done.
  virtual bool ready() const = 0;
  // Takes the user's bytes. Requires ready(). False: it is over, error() says why.
  virtual bool send(ByteView bytes, ByteBuffer& to_peer) = 0;
  // Says goodbye to the peer, if ready().
  virtual void close(ByteBuffer& to_peer) = 0;

  const std::string& error() const { return error_; }

 protected:
  bool fail_with(std::string why) {
    error_ = std::move(why);
    return false;
  }

 private:
  std::string error_;
};

}  // namespace martlet::tools::bench
