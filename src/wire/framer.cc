#include "wire/framer.h"

#include <algorithm>

#include "wire/types.h"

namespace martlet::wire {
namespace {

constexpr std::size_t kMaxHeaderBytes = 5;

struct Header {
  FrameStatus status = FrameStatus::need_more;  // `frame` once it is complete and legal
  std::size_t header_bytes = 0;
  std::size_t total_bytes = 0;
};

Header read_header(ByteView bytes, std::uint32_t max_packet_bytes) {
  Header header;
  std::size_t remaining = 0;
  for (std::size_t i = 1; i < kMaxHeaderBytes; ++i) {
    if (i >= bytes.size()) return header;
    const std::uint8_t byte = bytes[i];
    remaining |= static_cast<std::size_t>(byte & 0x7F) << (7 * (i - 1));
    if (byte >= 0x80) continue;
    if (byte == 0 && i > 1) break;
    header.header_bytes = i + 1;
    header.total_bytes = i + 1 + remaining;
    header.status = header.total_bytes > max_packet_bytes ? FrameStatus::too_large : FrameStatus::frame;
    return header;
  }
  header.status = FrameStatus::bad_length;
  return header;
}

Frame frame_of(ByteView packet, const Header& header) {
  return {packet[0], packet.subspan(header.header_bytes)};
}

}  // namespace

FrameStatus Framer::next(ByteView& input, Frame& frame) {
  if (handed_out_) {
    std::vector<std::uint8_t>().swap(held_);
    handed_out_ = false;
  }
  return held_.empty() ? next_whole(input, frame) : next_held(input, frame);
}

FrameStatus Framer::next_whole(ByteView& input, Frame& frame) {
  const Header header = read_header(input, max_packet_bytes_);
  if (header.status == FrameStatus::frame) {
    if (input.size() >= header.total_bytes) [[likely]] {
      frame = frame_of(input.first(header.total_bytes), header);
      input = input.subspan(header.total_bytes);
      return FrameStatus::frame;
    }
    hold(input, input.size(), header.total_bytes);
    return FrameStatus::need_more;
  }
  if (header.status == FrameStatus::need_more) hold(input, input.size(), kMaxHeaderBytes);
  return header.status;
}

FrameStatus Framer::next_held(ByteView& input, Frame& frame) {
  Header header = read_header(held_, max_packet_bytes_);
  while (header.status == FrameStatus::need_more && !input.empty()) {
    hold(input, 1, kMaxHeaderBytes);
    header = read_header(held_, max_packet_bytes_);
  }
  if (header.status != FrameStatus::frame) return header.status;
  hold(input, std::min(input.size(), header.total_bytes - held_.size()), header.total_bytes);
  if (held_.size() < header.total_bytes) return FrameStatus::need_more;
  handed_out_ = true;
  frame = frame_of(held_, header);
  return FrameStatus::frame;
}

// Moves `count` bytes from `input` behind the held ones. Capacity doubles, but neither beyond `total`, the size of the
// packet as far as it is known, nor beyond twice what has arrived.
void Framer::hold(ByteView& input, std::size_t count, std::size_t total) {
  const std::size_t arrived = held_.size() + count;
  if (arrived > held_.capacity()) held_.reserve(std::max(arrived, std::min(total, 2 * held_.capacity())));
  held_.insert(held_.end(), input.begin(), input.begin() + static_cast<std::ptrdiff_t>(count));
  input = input.subspan(count);
}

}  // namespace martlet::wire
