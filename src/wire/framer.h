// Cuts a byte stream into packets, whatever the pieces in which it arrives. A connection between packets owns no
// buffer; a packet that arrives in parts takes only as much memory as bytes of it have arrived, within a factor of two
// and 64 bytes, unless a pooled block of its whole size lies idle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/block.h"
#include "base/bytes.h"

namespace martlet::wire {

struct Frame {
  std::uint8_t first_byte = 0;
  ByteView body;  // lies in the input or in the framer; dies at the next call of next() or with the input
};

enum class FrameStatus : std::uint8_t {
  frame,       // `frame` holds a whole packet
  need_more,   // the input is used up
  bad_length,  // remaining length longer than four bytes or not in its shortest form [MQTT-1.5.5-1]
  too_large,   // the packet would exceed the maximum; known from its header, before its bytes are kept
};

// A PUBLISH of this size or more that arrives in parts has room in front of it, for who keeps it where it is.
inline constexpr std::size_t kLargePublishBytes = 4096;

class Framer {
 public:
  // `max_packet_bytes` counts the whole packet, fixed header included; `headroom_bytes` is the room in front of a large
  // PUBLISH that arrives in parts.
  explicit Framer(std::uint32_t max_packet_bytes, std::uint16_t headroom_bytes = 0)
      : max_packet_bytes_(max_packet_bytes), headroom_bytes_(headroom_bytes) {}

  // Takes bytes off the front of `input` until a packet is whole or the input is used up. After bad_length or too_large
  // the stream cannot be followed any more; the caller ends the connection.
  FrameStatus next(ByteView& input, Frame& frame);

  // The block that the last frame lies in, behind its headroom; nobody else has it. Null if there is no headroom, or if
  // the frame lies in the input. What points into the frame lives as long as the block.
  BlockRef take_block();

  // Bytes of the unfinished packet that are kept now.
  std::size_t held_bytes() const { return handed_out_ ? 0 : held_bytes_; }
  // Bytes of memory that the framer owns now, without headroom.
  std::size_t capacity_bytes() const { return held_ ? held_->capacity_bytes - offset_ : 0; }
  // For the packets from the next one on.
  void set_max_packet_bytes(std::uint32_t bytes) { max_packet_bytes_ = bytes; }

 private:
  struct Header;
  static Header read_header(ByteView bytes, std::uint32_t max_packet_bytes);
  FrameStatus next_whole(ByteView& input, Frame& frame);
  FrameStatus next_held(ByteView& input, Frame& frame);
  void hold(ByteView& input, std::size_t count, const Header& header);
  void make_room(std::size_t arrived_bytes, const Header& header);
  ByteView held() const { return {held_->data() + offset_, held_bytes_}; }

  BlockRef held_;
  std::uint32_t held_bytes_ = 0;
  std::uint32_t max_packet_bytes_;
  std::uint16_t headroom_bytes_;
  std::uint16_t offset_ = 0;  // headroom in `held_`
  bool handed_out_ = false;   // `held_` is the packet that the last call returned
};

}  // namespace martlet::wire
