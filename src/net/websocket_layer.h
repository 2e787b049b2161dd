// MQTT over WebSocket, the server's side (RFC 6455; MQTT 5.0, section 6). Payload goes up as it comes: neither frames
// nor messages are collected, so nothing has to bound their size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http_upgrade.h"
#include "net/stream_layer.h"
#include "net/websocket_options.h"

namespace martlet::net {

class WebSocketLayer final : public StreamLayer {
 public:
  // The most payload that is put into one frame.
  static constexpr std::size_t kMostFrameBytes = 65'535;

  explicit WebSocketLayer(std::shared_ptr<const WebSocketOptions> options)
      : upgrade_(std::make_unique<HttpUpgrade>(std::move(options))) {}

  // Of the pings in `bytes` the last one is answered (RFC 6455, 5.5.3).
  LayerStatus receive(ByteView bytes, std::vector<std::uint8_t>& up, ByteChain& down) override;
  // One binary frame.
  void send(ByteChain& from, std::size_t most_bytes, ByteChain& down) override;
  bool ready() const override { return upgrade_ == nullptr; }
  // A close frame: with the peer's own code if it said goodbye first, else 1000.
  void end(ByteChain& down) override;
  void tell(PeerFacts& facts) const override;
  std::string_view failure() const override { return failure_; }

 private:
  LayerStatus read_upgrade(ByteView& bytes, ByteChain& down);
  LayerStatus read_frames(ByteView bytes, std::vector<std::uint8_t>& up, ByteChain& down);
  // Takes what is missing of a frame's header. False while it is incomplete.
  bool take_header(ByteView& bytes);
  // Judges a complete header; an empty reason if it is legal.
  struct Violation {
    std::uint16_t code = 0;
    std::string_view why;
  };
  Violation begin_frame();
  void take_payload(ByteView& bytes, std::vector<std::uint8_t>& up);
  // The frame's payload is complete.
  LayerStatus end_frame(ByteChain& down);
  LayerStatus read_close(ByteChain& down);
  LayerStatus violated(const Violation& violation, ByteChain& down);
  void append_close(std::uint16_t code, std::string_view reason, ByteChain& down);

  std::unique_ptr<HttpUpgrade> upgrade_;  // until it is done
  UpgradeFacts facts_;
  std::string failure_;
  std::string control_;  // payload of the control frame that comes, at most 125 bytes
  std::string pong_;     // that is owed
  std::uint64_t payload_left_ = 0;
  std::uint8_t header_[14] = {};
  std::uint8_t header_bytes_ = 0;  // as far as it has come; 0 between frames
  std::uint8_t mask_at_ = 0;       // of the four bytes of the mask, the next one
  std::uint16_t close_code_ = 1000;
  bool in_payload_ = false;
  bool in_message_ = false;  // a data frame came that was not the last of its message
  bool owes_pong_ = false;
  bool closed_ = false;  // a close frame was sent, or the upgrade refused
};

class WebSocketFactory final : public LayerFactory {
 public:
  explicit WebSocketFactory(WebSocketOptions options)
      : options_(std::make_shared<const WebSocketOptions>(std::move(options))) {}
  std::unique_ptr<StreamLayer> make(std::string_view) override { return std::make_unique<WebSocketLayer>(options_); }

 private:
  const std::shared_ptr<const WebSocketOptions> options_;
};

}  // namespace martlet::net
