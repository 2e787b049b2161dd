// What stands between a socket's bytes and those that the reactor's owner sees: a PROXY header, TLS, WebSocket, one
// above the other. Without I/O: bytes in, bytes out. A layer belongs to one connection and is used by one thread at a
// time; with its connection it may move to another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/byte_chain.h"
#include "base/bytes.h"
#include "base/peer_facts.h"

namespace martlet::net {

enum class LayerStatus : std::uint8_t {
  open,
  ended,   // the peer said goodbye in this layer: what was told until now counts, nothing more comes
  failed,  // what came breaks the layer's rules; failure() says which. `down` may hold a last word for the peer
};

class StreamLayer {
 public:
  virtual ~StreamLayer() = default;

  // Takes all of `bytes`, which came from below. Appends what they carry for above to `up`, and what is to be answered
  // below to `down`.
  virtual LayerStatus receive(ByteView bytes, std::vector<std::uint8_t>& up, ByteChain& down) = 0;
  // Takes bytes off the front of `from`, at most `most_bytes`, and appends what carries them to `down`. Takes nothing
  // before ready().
  virtual void send(ByteChain& from, std::size_t most_bytes, ByteChain& down) = 0;
  // True once the handshake is done.
  virtual bool ready() const = 0;
  // True while the next receive() may cost a handshake's computation (about a millisecond): there is a budget a turn.
  virtual bool costly() const { return false; }
  // Says goodbye to the peer: close_notify, a close frame. Nothing is sent after it.
  virtual void end(ByteChain& down) = 0;

  // Once ready: adds what this layer knows about the peer.
  virtual void tell(PeerFacts& facts) const = 0;
  // The peer's address, if this layer knows it better than the socket; lives as long as the layer.
  virtual std::string_view peer_address() const { return {}; }
  // Why it failed, in one line for a log; lives as long as the layer.
  virtual std::string_view failure() const { return {}; }
};

// Makes the layers of a listener's connections. Any thread; the layers that it made stay good when it changes.
class LayerFactory {
 public:
  virtual ~LayerFactory() = default;
  // `peer_address`: of the socket ("192.0.2.1:50123").
  virtual std::unique_ptr<StreamLayer> make(std::string_view peer_address) = 0;
};

// From the socket upwards. The factories outlive the listener.
using LayerFactories = std::vector<LayerFactory*>;

}  // namespace martlet::net
