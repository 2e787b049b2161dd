#include "tools/bench/websocket_filter.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cctype>

namespace martlet::tools::bench {
namespace {

constexpr std::size_t kMostAnswerBytes = 16 * 1024;
constexpr std::string_view kAnswerEnd = "\r\n\r\n";
constexpr std::uint8_t kFin = 0x80;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint64_t kMostControlBytes = 125;

std::string base64(ByteView bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<std::uint8_t*>(text.data()), bytes.data(), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// The value of a header in an HTTP answer; empty if it is not there.
std::string_view header_value(std::string_view answer, std::string_view name) {
  while (!answer.empty()) {
    const std::size_t end = std::min(answer.find("\r\n"), answer.size());
    std::string_view line = answer.substr(0, end);
    answer.remove_prefix(std::min(end + 2, answer.size()));
    const std::size_t colon = line.find(':');
    if (colon == line.npos || !same_word(line.substr(0, colon), name)) continue;
    line.remove_prefix(std::min(line.find_first_not_of(' ', colon + 1), line.size()));
    return line.substr(0, line.find_last_not_of(' ') + 1);
  }
  return {};
}

// `bytes` with `mask` over them, appended; eight at a time.
void append_masked(ByteBuffer& to, ByteView bytes, std::uint32_t mask) {
  const std::uint64_t twice = std::uint64_t{mask} << 32 | mask;
  std::size_t at = to.size();
  to.resize(at + bytes.size());
  std::size_t i = 0;
  for (; i + sizeof twice <= bytes.size(); i += sizeof twice, at += sizeof twice) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, sizeof word);
    word ^= twice;
    std::memcpy(to.data() + at, &word, sizeof word);
  }
  std::array<std::uint8_t, sizeof mask> key{};
  std::memcpy(key.data(), &mask, sizeof mask);
  for (; i < bytes.size(); ++i, ++at) to[at] = bytes[i] ^ key[i % key.size()];
}

}  // namespace

std::string websocket_accept(std::string_view key) {
  const std::string text = fmt::format("{}258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  return base64(ByteView(digest).first(size));
}

void WebSocketFilter::start(ByteBuffer& to_peer) {
  const std::array<std::uint64_t, 2> nonce{random_.next(), random_.next()};
  key_ = base64({reinterpret_cast<const std::uint8_t*>(nonce.data()), sizeof nonce});
  append_bytes(to_peer, as_bytes(fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\n"
                                             "Connection: Upgrade\r\nSec-WebSocket-Key: {}\r\n"
                                             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
                                             path_, host_, key_)));
}

bool WebSocketFilter::take_answer(ByteView& bytes) {
  // The end may be split between what came before and this.
  const std::size_t before = answer_.size();
  answer_.append(as_text(bytes));
  const std::size_t end = answer_.find(kAnswerEnd, before - std::min(before, kAnswerEnd.size() - 1));
  if (end == answer_.npos) {
    bytes = {};
    return answer_.size() < kMostAnswerBytes || fail_with("WebSocket: the answer does not end");
  }
  bytes = bytes.subspan(end + kAnswerEnd.size() - before);
  answer_.resize(end);
  return check_answer();
}

bool WebSocketFilter::check_answer() {
  const std::string_view status = std::string_view(answer_).substr(0, answer_.find("\r\n"));
  if (!status.starts_with("HTTP/1.1 101")) {
    return fail_with(fmt::format("WebSocket: the broker answered \"{}\"", status.substr(0, 80)));
  }
  if (header_value(answer_, "Sec-WebSocket-Accept") != websocket_accept(key_)) {
    return fail_with("WebSocket: the broker's Sec-WebSocket-Accept is wrong");
  }
  if (header_value(answer_, "Sec-WebSocket-Protocol") != "mqtt") {
    return fail_with("WebSocket: the broker did not choose the sub-protocol mqtt");
  }
  open_ = true;
  answer_ = {};
  return true;
}

bool WebSocketFilter::receive(ByteView bytes, ByteBuffer& to_user, ByteBuffer& to_peer) {
  if (!open_ && !take_answer(bytes)) return false;
  while (!bytes.empty() && !closed_) {
    if (!in_frame_ && !take_header(bytes)) return error().empty();
    take_payload(bytes, to_user);
    if (left_ == 0) end_frame(to_peer);
  }
  return true;
}

bool WebSocketFilter::take_header(ByteView& bytes) {
  for (;;) {
    const std::uint8_t length = header_bytes_ < 2 ? 0 : header_[1] & 0x7F;
    const std::size_t wanted = length == 127 ? 10 : length == 126 ? 4 : 2;
    if (header_bytes_ == wanted && header_bytes_ >= 2) return start_frame(wanted);
    if (bytes.empty()) return false;
    header_[header_bytes_++] = bytes.front();
    bytes = bytes.subspan(1);
  }
}

bool WebSocketFilter::start_frame(std::size_t header_bytes) {
  header_bytes_ = 0;
  opcode_ = static_cast<Opcode>(header_[0] & 0x0F);
  const bool fin = (header_[0] & kFin) != 0;
  left_ = header_[1] & 0x7F;
  if (header_bytes > 2) left_ = 0;
  for (std::size_t i = 2; i < header_bytes; ++i) left_ = left_ << 8 | header_[i];
  if ((header_[0] & 0x70) != 0) return fail_with("WebSocket: reserved bits in a frame");
  if ((header_[1] & kMasked) != 0) return fail_with("WebSocket: the broker's frame is masked");
  switch (opcode_) {
    case Opcode::binary:
    case Opcode::continuation:
      if (in_message_ != (opcode_ == Opcode::continuation)) return fail_with("WebSocket: fragments out of order");
      in_message_ = !fin;
      break;
    case Opcode::close:
    case Opcode::ping:
    case Opcode::pong:
      if (!fin || left_ > kMostControlBytes) return fail_with("WebSocket: a control frame that is too long");
      break;
    case Opcode::text:
    default:
      return fail_with("WebSocket: a frame that is not binary");
  }
  in_frame_ = true;
  control_.clear();
  return true;
}

void WebSocketFilter::take_payload(ByteView& bytes, ByteBuffer& to_user) {
  const ByteView part = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size())));
  append_bytes(opcode_ < Opcode::close ? to_user : control_, part);
  left_ -= part.size();
  bytes = bytes.subspan(part.size());
}

void WebSocketFilter::end_frame(ByteBuffer& to_peer) {
  in_frame_ = false;
  if (opcode_ == Opcode::ping) put_frame(Opcode::pong, control_, to_peer);
  if (opcode_ != Opcode::close) return;
  put_frame(Opcode::close, ByteView(control_).first(std::min<std::size_t>(control_.size(), 2)), to_peer);
  closed_ = true;
}

void WebSocketFilter::put_frame(Opcode opcode, ByteView payload, ByteBuffer& to_peer) {
  to_peer.push_back(static_cast<std::uint8_t>(kFin | static_cast<unsigned>(opcode)));
  const std::uint64_t size = payload.size();
  const int length_bytes = size <= 125 ? 0 : size <= 0xFFFF ? 2 : 8;
  const std::uint64_t first = length_bytes == 0 ? size : length_bytes == 2 ? 126 : 127;
  to_peer.push_back(static_cast<std::uint8_t>(kMasked | first));
  for (int i = length_bytes; i-- > 0;) to_peer.push_back(static_cast<std::uint8_t>(size >> (8 * i)));
  const auto mask = static_cast<std::uint32_t>(random_.next());
  append_bytes(to_peer, {reinterpret_cast<const std::uint8_t*>(&mask), sizeof mask});
  append_masked(to_peer, payload, mask);
}

bool WebSocketFilter::send(ByteView bytes, ByteBuffer& to_peer) {
  put_frame(Opcode::binary, bytes, to_peer);
  return true;
}

void WebSocketFilter::close(ByteBuffer& to_peer) {
  constexpr std::array<std::uint8_t, 2> kNormal{1000 >> 8, 1000 & 0xFF};
  if (ready()) put_frame(Opcode::close, kNormal, to_peer);
}

}  // namespace martlet::tools::bench
