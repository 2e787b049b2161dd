// The stream layers of one connection, one above the other, and the bytes that they have ready for the socket. Without
// I/O; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/byte_chain.h"
#include "base/bytes.h"
#include "base/peer_facts.h"
#include "net/stream_layer.h"

namespace martlet::net {

class LayerStack {
 public:
  // Room for what passes between layers. One serves all stacks of a thread.
  struct Scratch {
    std::vector<std::uint8_t> one;
    std::vector<std::uint8_t> other;
  };
  using Judge = std::function<bool(std::string_view peer_address)>;
  // What send() makes ready ahead of what the socket has taken, but for the layers' own framing.
  static constexpr std::size_t kAheadBytes = 64 * 1024;

  // `factories`, at least one, from the socket upwards. `peer_address` is the socket's.
  LayerStack(const LayerFactories& factories, std::string_view peer_address);

  // Takes `bytes` from the socket; returns what they carry, in `scratch`. What the layers answer is in wire(). Only
  // while status() is open.
  // `judge` is asked once a layer knows the peer's address, before those above it get anything; after a no they never
  // do, and turned_away() is true.
  ByteView receive(ByteView bytes, Scratch& scratch, const Judge& judge = {});
  // Moves bytes off the front of `plain` through the layers into wire(), until that holds kAheadBytes. Returns how many
  // it took: none before ready(), none after end() or a failure.
  std::size_t send(ByteChain& plain);
  // Every layer says goodbye, the topmost first; a failed one, and those above it, say nothing. Once; then nothing
  // more is sent.
  void end();

  // For the socket; whoever writes it consumes it.
  ByteChain& wire() { return wire_; }
  // So much waits for a peer that does not read that nothing more of what it says should be answered.
  bool clogged() const { return wire_.size() > 2 * kAheadBytes; }

  LayerStatus status() const { return status_; }
  bool turned_away() const { return turned_away_; }
  bool ready() const;
  bool costly() const;
  // end() was called.
  bool ended() const { return ended_; }
  // Once failed: of the lowest layer that failed; lives as long as the stack.
  std::string_view failure() const;
  // What all layers know; nullptr before ready().
  std::shared_ptr<const PeerFacts> facts();

  // The reactor's own note: waits in its queue for a later turn.
  bool queued = false;

 private:
  // A layer, and what the one above has for it that it has not taken yet.
  struct Floor {
    std::unique_ptr<StreamLayer> layer;
    ByteChain from_above;
  };

  // Where floor `index` sends to.
  ByteChain& below(std::size_t index) { return index == 0 ? wire_ : floors_[index - 1].from_above; }
  // Carries what the floors below `index` hold down to the wire.
  void sink(std::size_t index);
  void note(LayerStatus status, std::size_t index);

  std::vector<Floor> floors_;  // the socket's first
  ByteChain wire_;
  std::shared_ptr<const PeerFacts> facts_;
  LayerStatus status_ = LayerStatus::open;
  std::uint8_t failed_floor_ = 0;
  bool ended_ = false;
  bool located_ = false;
  bool turned_away_ = false;
};

}  // namespace martlet::net
