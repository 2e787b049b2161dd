#include "wire/framer.h"

#include <algorithm>

#include "wire/types.h"

namespace martlet::wire {
namespace {

constexpr std::size_t kMaxHeaderBytes = 5;
// Blocks of this size or more have classes so narrow that growth needs room besides.
constexpr std::size_t kFineBytes = 64u << 10;

}  // namespace

struct Framer::Header {
  FrameStatus status = FrameStatus::need_more;  // `frame` once it is complete and legal
  bool large_publish = false;
  std::size_t header_bytes = 0;
  std::size_t total_bytes = 0;  // 0: not known yet

  Frame frame_of(ByteView packet) const { return {packet[0], packet.subspan(header_bytes)}; }
};

Framer::Header Framer::read_header(ByteView bytes, std::uint32_t max_packet_bytes) {
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
    header.large_publish =
        header.total_bytes >= kLargePublishBytes && bytes[0] >> 4 == static_cast<std::uint8_t>(PacketType::publish);
    header.status = header.total_bytes > max_packet_bytes ? FrameStatus::too_large : FrameStatus::frame;
    return header;
  }
  header.status = FrameStatus::bad_length;
  return header;
}

FrameStatus Framer::next(ByteView& input, Frame& frame) {
  if (handed_out_) {
    held_ = BlockRef();
    held_bytes_ = 0;
    handed_out_ = false;
  }
  return held_ ? next_held(input, frame) : next_whole(input, frame);
}

FrameStatus Framer::next_whole(ByteView& input, Frame& frame) {
  const Header header = read_header(input, max_packet_bytes_);
  if (header.status == FrameStatus::frame) {
    if (input.size() >= header.total_bytes) [[likely]] {
      frame = header.frame_of(input.first(header.total_bytes));
      input = input.subspan(header.total_bytes);
      return FrameStatus::frame;
    }
    hold(input, input.size(), header);
    return FrameStatus::need_more;
  }
  if (header.status == FrameStatus::need_more && !input.empty()) hold(input, input.size(), header);
  return header.status;
}

FrameStatus Framer::next_held(ByteView& input, Frame& frame) {
  Header header = read_header(held(), max_packet_bytes_);
  while (header.status == FrameStatus::need_more && !input.empty()) {
    hold(input, 1, header);
    header = read_header(held(), max_packet_bytes_);
  }
  if (header.status != FrameStatus::frame) return header.status;
  hold(input, std::min(input.size(), header.total_bytes - held_bytes_), header);
  if (held_bytes_ < header.total_bytes) return FrameStatus::need_more;
  handed_out_ = true;
  frame = header.frame_of(held());
  return FrameStatus::frame;
}

BlockRef Framer::take_block() {
  return handed_out_ && offset_ != 0 ? std::move(held_) : BlockRef();
}

// Moves `count` bytes from `input` behind the held ones.
void Framer::hold(ByteView& input, std::size_t count, const Header& header) {
  const std::size_t arrived = held_bytes_ + count;
  const bool wants_headroom = header.large_publish && headroom_bytes_ != 0 && offset_ == 0;
  if (arrived > capacity_bytes() || wants_headroom) make_room(arrived, header);
  copy_bytes(held_->data() + offset_ + held_bytes_, input.first(count));
  held_bytes_ = static_cast<std::uint32_t>(arrived);
  input = input.subspan(count);
}

// Moves to a block of the packet's whole size if it has arrived by now or costs no memory, else to one with room for
// about twice what was held.
void Framer::make_room(std::size_t arrived_bytes, const Header& header) {
  const std::size_t offset = header.large_publish ? headroom_bytes_ : 0;
  Block* block = nullptr;
  if (header.total_bytes >= kFineBytes) block = recycle_block(offset + header.total_bytes);
  if (!block) {
    std::size_t bytes = arrived_bytes;
    if (bytes >= kFineBytes) bytes = std::max(bytes, std::min(bytes + bytes / 2, header.total_bytes));
    block = allocate_block(offset + bytes);
  }
  if (held_) copy_bytes(block->data() + offset, held());
  held_ = BlockRef::adopt(block);
  offset_ = static_cast<std::uint16_t>(offset);
}

}  // namespace martlet::wire
