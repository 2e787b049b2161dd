// A stream layer for tests, small enough to be spoken by hand: a handshake ("hi\n", answered by "ok\n"), then records
// of a length byte and so many bytes, each XORed with a key. Length 0 says goodbye, one above 250 breaks the rules and
// is answered by "!".
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/stream_layer.h"

namespace martlet::net::testing {

inline constexpr std::size_t kMostRecordBytes = 250;

// What a peer writes to say `text`.
inline std::string framed(std::string_view text, char key = 0x55) {
  std::string wire;
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, kMostRecordBytes);
    wire.push_back(static_cast<char>(piece.size()));
    for (const char byte : piece) wire.push_back(static_cast<char>(byte ^ key));
    text.remove_prefix(piece.size());
  }
  return wire;
}

class FramedLayer final : public StreamLayer {
 public:
  FramedLayer(char key, bool costly) : key_(key), costly_(costly) {}

  LayerStatus receive(ByteView bytes, std::vector<std::uint8_t>& up, ByteChain& down) override {
    for (const std::uint8_t byte : bytes) {
      if (shaken_ < kHello.size()) {
        if (static_cast<char>(byte) != kHello[shaken_]) return refuse(down, "no greeting");
        if (++shaken_ == kHello.size()) down.append(as_bytes("ok\n"));
      } else if (left_ > 0) {
        --left_;
        up.push_back(byte ^ static_cast<std::uint8_t>(key_));
      } else if (byte == 0) {
        return LayerStatus::ended;
      } else if (byte > kMostRecordBytes) {
        return refuse(down, "a record is too long");
      } else {
        left_ = byte;
      }
    }
    return LayerStatus::open;
  }
  void send(ByteChain& from, std::size_t most_bytes, ByteChain& down) override {
    if (!ready()) return;
    const std::size_t count = std::min({most_bytes, from.size(), kMostRecordBytes});
    ByteChain piece;
    from.move_front(count, piece);
    std::string text;
    while (!piece.empty()) {
      ByteView view;
      piece.front(&view, 1);
      text += as_text(view);
      piece.consume(view.size());
    }
    down.append(as_bytes(framed(text, key_)));
  }
  bool ready() const override { return shaken_ == kHello.size(); }
  bool costly() const override { return costly_ && !ready(); }
  void end(ByteChain& down) override {
    if (ready()) down.append(as_bytes(std::string_view("\0", 1)));
  }
  void tell(PeerFacts& facts) const override { facts.server_name += std::string("framed ") + key_; }
  std::string_view failure() const override { return failure_; }

 private:
  static constexpr std::string_view kHello = "hi\n";

  LayerStatus refuse(ByteChain& down, std::string_view why) {
    failure_ = why;
    down.append(as_bytes("!"));
    return LayerStatus::failed;
  }

  const char key_;
  const bool costly_;
  std::size_t shaken_ = 0;
  std::size_t left_ = 0;  // of the record that has begun
  std::string failure_;
};

class FramedFactory final : public LayerFactory {
 public:
  explicit FramedFactory(char key = 0x55, bool costly = false) : key_(key), costly_(costly) {}
  std::unique_ptr<StreamLayer> make(std::string_view peer_address) override {
    addresses.emplace_back(peer_address);
    return std::make_unique<FramedLayer>(key_, costly_);
  }

  std::vector<std::string> addresses;  // asked for

 private:
  const char key_;
  const bool costly_;
};

// Undoes framed(): what a peer understands of `wire`, with "." for a goodbye, behind the answer to its greeting.
inline std::string unframed(std::string_view wire, char key = 0x55) {
  std::string text;
  if (!wire.starts_with("ok\n")) return "no answer: " + std::string(wire);
  wire.remove_prefix(3);
  while (!wire.empty()) {
    const auto size = static_cast<std::uint8_t>(wire.front());
    if (size == 0) text += '.';
    if (size > kMostRecordBytes || size >= wire.size() + (size == 0 ? 1u : 0u)) return text + "?";
    for (const char byte : wire.substr(1, size)) text.push_back(static_cast<char>(byte ^ key));
    wire.remove_prefix(1 + std::size_t{size});
  }
  return text;
}

}  // namespace martlet::net::testing
