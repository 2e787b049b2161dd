#include "net/websocket_layer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace martlet::net {
namespace {

// RFC 6455, 5.2 and 7.4.1.
enum Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };
constexpr std::uint8_t kFinal = 0x80;
constexpr std::uint8_t kReserved = 0x70;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint16_t kProtocolError = 1002;
constexpr std::uint16_t kUnsupportedData = 1003;
constexpr std::uint16_t kNoCode = 1005;  // never on the wire: there was none
constexpr std::size_t kMostControlBytes = 125;
constexpr std::size_t kMaskBytes = 4;

bool is_control(std::uint8_t opcode) {
  return (opcode & 8) != 0;
}

// How many bytes a header has, from its second one.
std::size_t header_size(std::uint8_t second) {
  const unsigned length = second & 0x7f;
  const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  return 2 + extended + ((second & kMasked) != 0 ? kMaskBytes : 0);
}

bool may_be_sent(unsigned code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

// XORs `bytes` with the mask, from its byte `at` on.
void unmask(std::uint8_t* bytes, std::size_t count, const std::uint8_t* mask, std::size_t at) {
  std::uint8_t wide[8];
  for (std::size_t i = 0; i < sizeof wide; ++i) wide[i] = mask[(at + i) % kMaskBytes];
  std::uint64_t word_mask = 0;
  std::memcpy(&word_mask, wide, sizeof word_mask);
  std::size_t i = 0;
  for (; i + sizeof word_mask <= count; i += sizeof word_mask) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + i, sizeof word);
    word ^= word_mask;
    std::memcpy(bytes + i, &word, sizeof word);
  }
  for (; i < count; ++i) bytes[i] ^= wide[i % sizeof wide];
}

void append_header(std::uint8_t first, std::size_t payload_bytes, ByteChain& down) {
  if (payload_bytes <= kMostControlBytes) {
    const std::uint8_t header[] = {first, static_cast<std::uint8_t>(payload_bytes)};
    return down.append(header);
  }
  const std::uint8_t header[] = {first, 126, static_cast<std::uint8_t>(payload_bytes >> 8),
                                 static_cast<std::uint8_t>(payload_bytes)};
  down.append(header);
}

void append_control(std::uint8_t opcode, ByteView payload, ByteChain& down) {
  append_header(kFinal | opcode, payload.size(), down);
  down.append(payload);
}

}  // namespace

LayerStatus WebSocketLayer::receive(ByteView bytes, std::vector<std::uint8_t>& up, ByteChain& down) {
  if (!failure_.empty()) return LayerStatus::failed;
  if (upgrade_) {
    const LayerStatus status = read_upgrade(bytes, down);
    if (status != LayerStatus::open) return status;
  }
  const LayerStatus status = read_frames(bytes, up, down);
  if (owes_pong_ && status == LayerStatus::open) {
    append_control(pong, as_bytes(pong_), down);
    pong_ = {};
  }
  owes_pong_ = false;
  return status;
}

LayerStatus WebSocketLayer::read_upgrade(ByteView& bytes, ByteChain& down) {
  bytes = bytes.subspan(upgrade_->take(bytes));
  if (upgrade_->state() == HttpUpgrade::State::reading) return LayerStatus::open;
  down.append(as_bytes(upgrade_->response()));
  if (upgrade_->state() == HttpUpgrade::State::refused) {
    failure_ = fmt::format("WebSocket refused: {}", upgrade_->refusal());
    closed_ = true;
    return LayerStatus::failed;
  }
  facts_ = std::move(upgrade_->facts());
  upgrade_.reset();
  return LayerStatus::open;
}

LayerStatus WebSocketLayer::read_frames(ByteView bytes, std::vector<std::uint8_t>& up, ByteChain& down) {
  while (!bytes.empty()) {
    if (!in_payload_) {
      if (!take_header(bytes)) break;
      const Violation violation = begin_frame();
      if (violation.code != 0) return violated(violation, down);
    } else {
      take_payload(bytes, up);
    }
    if (payload_left_ > 0) continue;
    const LayerStatus status = end_frame(down);
    if (status != LayerStatus::open) return status;
  }
  return LayerStatus::open;
}

bool WebSocketLayer::take_header(ByteView& bytes) {
  const auto take_until = [&](std::size_t size) {
    if (header_bytes_ >= size) return true;
    const std::size_t count = std::min(size - header_bytes_, bytes.size());
    copy_bytes(header_ + header_bytes_, bytes.first(count));
    header_bytes_ += static_cast<std::uint8_t>(count);
    bytes = bytes.subspan(count);
    return header_bytes_ == size;
  };
  return take_until(2) && take_until(header_size(header_[1]));
}

WebSocketLayer::Violation WebSocketLayer::begin_frame() {
  const std::uint8_t opcode = header_[0] & 0xf;
  const bool final = (header_[0] & kFinal) != 0;
  if ((header_[0] & kReserved) != 0) return {kProtocolError, "a frame uses an extension that was not agreed on"};
  if ((header_[1] & kMasked) == 0) return {kProtocolError, "a frame is not masked"};
  std::uint64_t length = header_[1] & 0x7f;
  if (length >= 126) {
    const bool in_two_bytes = length == 126;
    length = 0;
    for (std::size_t i = 2; i < header_bytes_ - kMaskBytes; ++i) length = length << 8 | header_[i];
    if (length <= (in_two_bytes ? kMostControlBytes : 0xffffu) || length >> 63 != 0) {
      return {kProtocolError, "a frame's length is malformed"};
    }
  }
  switch (opcode) {
    case text:
      return {kUnsupportedData, "MQTT comes in binary frames"};  // [MQTT-6.0.0-1]
    case binary:
    case continuation:
      if (in_message_ != (opcode == continuation)) return {kProtocolError, "a message's fragments are out of order"};
      in_message_ = !final;
      break;
    case close:
    case ping:
    case pong:
      if (!final || length > kMostControlBytes) return {kProtocolError, "a control frame is too long or not whole"};
      control_.clear();
      break;
    default:
      return {kProtocolError, "a frame's opcode is unknown"};
  }
  payload_left_ = length;
  mask_at_ = 0;
  in_payload_ = true;
  return {};
}

void WebSocketLayer::take_payload(ByteView& bytes, std::vector<std::uint8_t>& up) {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(payload_left_, bytes.size()));
  const ByteView part = bytes.first(count);
  const std::uint8_t* mask = header_ + header_bytes_ - kMaskBytes;
  if (is_control(header_[0] & 0xf)) {
    control_ += as_text(part);
    unmask(reinterpret_cast<std::uint8_t*>(control_.data()) + control_.size() - count, count, mask, mask_at_);
  } else {
    up.insert(up.end(), part.begin(), part.end());
    unmask(up.data() + up.size() - count, count, mask, mask_at_);
  }
  mask_at_ = static_cast<std::uint8_t>((mask_at_ + count) % kMaskBytes);
  payload_left_ -= count;
  bytes = bytes.subspan(count);
}

LayerStatus WebSocketLayer::end_frame(ByteChain& down) {
  in_payload_ = false;
  header_bytes_ = 0;
  const std::uint8_t opcode = header_[0] & 0xf;
  if (!is_control(opcode)) return LayerStatus::open;
  if (opcode == close) return read_close(down);
  if (opcode == ping) {
    owes_pong_ = true;
    pong_ = std::move(control_);
  }
  control_ = {};
  return LayerStatus::open;
}

LayerStatus WebSocketLayer::read_close(ByteChain& down) {
  close_code_ = kNoCode;
  if (!control_.empty()) {
    const auto byte = [this](std::size_t at) { return static_cast<std::uint8_t>(control_[at]); };
    const unsigned code = control_.size() < 2 ? 0 : byte(0) << 8 | byte(1);
    if (!may_be_sent(code)) return violated({kProtocolError, "a close frame's code is malformed"}, down);
    close_code_ = static_cast<std::uint16_t>(code);
  }
  // Answered by end(), behind what is still to be sent.
  return LayerStatus::ended;
}

LayerStatus WebSocketLayer::violated(const Violation& violation, ByteChain& down) {
  failure_ = fmt::format("WebSocket: {}", violation.why);
  append_close(violation.code, violation.why, down);
  return LayerStatus::failed;
}

void WebSocketLayer::append_close(std::uint16_t code, std::string_view reason, ByteChain& down) {
  closed_ = true;
  if (code == kNoCode) return append_control(close, {}, down);
  std::string payload = {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  payload += reason.substr(0, kMostControlBytes - 2);
  append_control(close, as_bytes(payload), down);
}

void WebSocketLayer::send(ByteChain& from, std::size_t most_bytes, ByteChain& down) {
  const std::size_t count = std::min({most_bytes, from.size(), kMostFrameBytes});
  if (!ready() || closed_ || count == 0) return;
  append_header(kFinal | binary, count, down);
  from.move_front(count, down);
}

void WebSocketLayer::end(ByteChain& down) {
  if (ready() && !closed_) append_close(close_code_, {}, down);
}

void WebSocketLayer::tell(PeerFacts& facts) const {
  facts.websocket_path = facts_.path;
  facts.websocket_origin = facts_.origin;
  facts.forwarded_for = facts_.forwarded_for;
}

}  // namespace martlet::net
