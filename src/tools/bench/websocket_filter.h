// WebSocket in the client role (RFC 6455, MQTT-6): the upgrade, and MQTT's bytes in binary frames.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"
#include "tools/bench/byte_filter.h"

namespace martlet::tools::bench {

class WebSocketFilter final : public ByteFilter {
 public:
  // `host` and `path` for the request; `seed` for its key and the frames' masks.
  WebSocketFilter(std::string host, std::string path, std::uint64_t seed)
      : host_(std::move(host)), path_(std::move(path)), random_(seed) {}

  void start(ByteBuffer& to_peer) override;
  bool receive(ByteView bytes, ByteBuffer& to_user, ByteBuffer& to_peer) override;
  bool ready() const override { return open_ && !closed_; }
  // All of it as one frame.
  bool send(ByteView bytes, ByteBuffer& to_peer) override;
  void close(ByteBuffer& to_peer) override;

 private:
  enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

  // Takes the answer to the request from the front of `bytes`.
  bool take_answer(ByteView& bytes);
  bool check_answer();
  // Takes a frame's header; true if it is complete and right.
  bool take_header(ByteView& bytes);
  bool start_frame(std::size_t header_bytes);
  void take_payload(ByteView& bytes, ByteBuffer& to_user);
  void end_frame(ByteBuffer& to_peer);
  void put_frame(Opcode opcode, ByteView payload, ByteBuffer& to_peer);

  std::string host_;
  std::string path_;
  Random random_;
  std::string key_;
  std::string answer_;  // as far as it has come
  bool open_ = false;
  bool closed_ = false;  // the peer's Close frame came

  std::array<std::uint8_t, 10> header_{};  // of the frame that comes, as far as it has come
  std::size_t header_bytes_ = 0;
  bool in_frame_ = false;
  bool in_message_ = false;  // a continuation may come
  Opcode opcode_ = Opcode::binary;
  std::uint64_t left_ = 0;  // of the frame's payload
  ByteBuffer control_;      // payload of a control frame
};

// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string websocket_accept(std::string_view key);

}  // namespace martlet::tools::bench
