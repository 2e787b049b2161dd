// Cuts a byte stream into packets, whatever the pieces in which it arrives. A connection between packets owns no
// buffer; a packet that arrives in parts takes only as much memory as bytes of it have arrived, within a factor of two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

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

class Framer {
 public:
  // `max_packet_bytes` counts the whole packet, fixed header included.
  explicit Framer(std::uint32_t max_packet_bytes) : max_packet_bytes_(max_packet_bytes) {}

  // Takes bytes off the front of `input` until a packet is whole or the input is used up. After bad_length or too_large
  // the stream cannot be followed any more; the caller ends the connection.
  FrameStatus next(ByteView& input, Frame& frame);

  // Bytes of the unfinished packet that are kept now.
  std::size_t held_bytes() const { return handed_out_ ? 0 : held_.size(); }
  // Bytes of memory that the framer owns now.
  std::size_t capacity_bytes() const { return held_.capacity(); }
  // For the packets from the next one on.
  void set_max_packet_bytes(std::uint32_t bytes) { max_packet_bytes_ = bytes; }

 private:
  FrameStatus next_whole(ByteView& input, Frame& frame);
  FrameStatus next_held(ByteView& input, Frame& frame);
  void hold(ByteView& input, std::size_t count, std::size_t total);

  std::vector<std::uint8_t> held_;
  bool handed_out_ = false;  // held_ is the packet that the last call returned
  std::uint32_t max_packet_bytes_;
};

}  // namespace martlet::wire
