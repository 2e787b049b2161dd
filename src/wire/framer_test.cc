#include "wire/framer.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "wire/testing/test_support.h"

namespace martlet::wire {
namespace {

using test::Bytes;
using test::bytes_of;

constexpr std::uint32_t kLimit = 1u << 20;
constexpr std::size_t kSmallestBlockBytes = 64;

Bytes packet_of(std::size_t payload_bytes, std::uint8_t fill) {
  return test::with_length(0x30, Bytes(payload_bytes, fill));
}

// Feeds `chunk` and collects what comes out as whole packets again.
FrameStatus drain(Framer& framer, ByteView chunk, std::vector<Bytes>& packets) {
  Frame frame;
  for (;;) {
    const FrameStatus status = framer.next(chunk, frame);
    if (status != FrameStatus::frame) return status;
    packets.push_back(test::with_length(frame.first_byte, frame.body));
  }
}

TEST(Framer, HandsOutWholePacketsInPlace) {
  Bytes stream = packet_of(3, 1);
  const Bytes second = packet_of(200, 2);
  stream.insert(stream.end(), second.begin(), second.end());
  Framer framer(kLimit);
  ByteView input = stream;
  Frame frame;
  ASSERT_EQ(framer.next(input, frame), FrameStatus::frame);
  EXPECT_EQ(frame.first_byte, 0x30);
  EXPECT_EQ(frame.body.data(), stream.data() + 2);
  EXPECT_EQ(frame.body.size(), 3u);
  ASSERT_EQ(framer.next(input, frame), FrameStatus::frame);
  EXPECT_EQ(frame.body.data(), stream.data() + 5 + 3);
  EXPECT_EQ(frame.body.size(), 200u);
  EXPECT_EQ(framer.next(input, frame), FrameStatus::need_more);
  EXPECT_EQ(framer.capacity_bytes(), 0u);
}

TEST(Framer, TakesEverySplitIntoTwo) {
  const std::vector<Bytes> packets{packet_of(0, 0), packet_of(127, 1), packet_of(128, 2), packet_of(20000, 3),
                                   packet_of(1, 4)};
  Bytes stream;
  for (const Bytes& packet : packets) stream.insert(stream.end(), packet.begin(), packet.end());
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    Framer framer(kLimit);
    std::vector<Bytes> seen;
    EXPECT_EQ(drain(framer, ByteView(stream).first(cut), seen), FrameStatus::need_more);
    EXPECT_EQ(drain(framer, ByteView(stream).subspan(cut), seen), FrameStatus::need_more);
    ASSERT_EQ(seen, packets) << cut;
    ASSERT_EQ(framer.capacity_bytes(), 0u) << cut;
  }
}

RC_GTEST_PROP(FramerProperty, AnySplitGivesTheSamePackets, ()) {
  std::vector<Bytes> packets;
  Bytes stream;
  const auto sizes = *rc::gen::container<std::vector<std::size_t>>(
      rc::gen::oneOf(rc::gen::inRange<std::size_t>(0, 5), rc::gen::inRange<std::size_t>(120, 140),
                     rc::gen::inRange<std::size_t>(16380, 16390)));
  for (const std::size_t size : sizes) {
    packets.push_back(packet_of(size, static_cast<std::uint8_t>(packets.size())));
    stream.insert(stream.end(), packets.back().begin(), packets.back().end());
  }
  Framer framer(kLimit);
  std::vector<Bytes> seen;
  std::size_t at = 0;
  while (at < stream.size()) {
    const std::size_t step =
        *rc::gen::oneOf(rc::gen::inRange<std::size_t>(1, 8), rc::gen::inRange<std::size_t>(1, 5000));
    const std::size_t count = std::min(step, stream.size() - at);
    RC_ASSERT(drain(framer, ByteView(stream).subspan(at, count), seen) == FrameStatus::need_more);
    at += count;
    RC_ASSERT(framer.capacity_bytes() <= 2 * framer.held_bytes() + kSmallestBlockBytes);
  }
  RC_ASSERT(seen == packets);
  RC_ASSERT(framer.held_bytes() == 0u);
}

TEST(Framer, MemoryFollowsWhatArrivedNotWhatWasAnnounced) {
  Framer framer(kMaxPacketBytes);
  const Bytes header = bytes_of("30 FF FF FF 7F");
  ByteView input = header;
  Frame frame;
  ASSERT_EQ(framer.next(input, frame), FrameStatus::need_more);
  EXPECT_LE(framer.capacity_bytes(), kSmallestBlockBytes);
  const Bytes piece(1000, 7);
  std::size_t arrived = header.size();
  for (int i = 0; i < 500; ++i) {
    input = piece;
    ASSERT_EQ(framer.next(input, frame), FrameStatus::need_more);
    EXPECT_TRUE(input.empty());
    arrived += piece.size();
    EXPECT_EQ(framer.held_bytes(), arrived);
    EXPECT_LE(framer.capacity_bytes(), 2 * arrived + kSmallestBlockBytes);
  }
}

TEST(Framer, OwnsNoMemoryBetweenPackets) {
  const Bytes packet = packet_of(5000, 9);
  Framer framer(kLimit);
  std::vector<Bytes> seen;
  drain(framer, ByteView(packet).first(100), seen);
  EXPECT_EQ(framer.held_bytes(), 100u);
  drain(framer, ByteView(packet).subspan(100), seen);
  EXPECT_EQ(seen.size(), 1u);
  EXPECT_EQ(framer.held_bytes(), 0u);
  EXPECT_EQ(framer.capacity_bytes(), 0u);
}

// A large PUBLISH that comes in parts is left to its owner with the room in front of it.
TEST(Framer, GivesAwayTheBlockOfALargePublish) {
  constexpr std::uint16_t kHeadroom = 300;
  for (const std::size_t size : {kLargePublishBytes, std::size_t{70'000}, std::size_t{1'000'000}}) {
    const Bytes packet = packet_of(size, 3);
    for (const std::size_t first : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{100}, size / 2}) {
      Framer framer(kMaxPacketBytes, kHeadroom);
      Frame frame;
      ByteView input = ByteView(packet).first(first);
      ASSERT_EQ(framer.next(input, frame), FrameStatus::need_more);
      EXPECT_FALSE(framer.take_block());
      input = ByteView(packet).subspan(first);
      ASSERT_EQ(framer.next(input, frame), FrameStatus::frame);
      const BlockRef block = framer.take_block();
      ASSERT_TRUE(block);
      EXPECT_EQ(block->references.load(), 1u);
      EXPECT_GE(frame.body.data(), block->data() + kHeadroom);
      EXPECT_LE(frame.body.data() + frame.body.size(), block->data() + block->capacity_bytes);
      EXPECT_FALSE(framer.take_block()) << "once";
      ASSERT_EQ(framer.next(input, frame), FrameStatus::need_more);
      EXPECT_EQ(framer.capacity_bytes(), 0u);
      EXPECT_TRUE(equal(frame.body, ByteView(packet).last(frame.body.size()))) << "it outlives the framer's next step";
    }
  }
}

TEST(Framer, KeepsTheBlockOfOtherPackets) {
  const Bytes small = packet_of(1000, 3);
  Bytes other = packet_of(50'000, 3);
  other[0] = 0x82;  // SUBSCRIBE
  for (const Bytes& packet : {small, other}) {
    Framer framer(kMaxPacketBytes, 300);
    Frame frame;
    ByteView input = ByteView(packet).first(100);
    ASSERT_EQ(framer.next(input, frame), FrameStatus::need_more);
    input = ByteView(packet).subspan(100);
    ASSERT_EQ(framer.next(input, frame), FrameStatus::frame);
    EXPECT_FALSE(framer.take_block());
  }
}

// One byte at a time gives the same status as all at once.
FrameStatus status_bytewise(const Bytes& stream, std::uint32_t limit) {
  Framer framer(limit);
  Frame frame;
  for (const std::uint8_t& byte : stream) {
    ByteView one(&byte, 1);
    const FrameStatus status = framer.next(one, frame);
    if (status != FrameStatus::need_more) return status;
  }
  return FrameStatus::need_more;
}

FrameStatus status_at_once(const Bytes& stream, std::uint32_t limit) {
  Framer framer(limit);
  Frame frame;
  ByteView input = stream;
  return framer.next(input, frame);
}

TEST(Framer, RefusesHostileLengths) {
  struct Case {
    const char* bytes;
    std::uint32_t limit;
    FrameStatus status;
  };
  const Case cases[] = {
      {"30 80 00", kLimit, FrameStatus::bad_length},        // 0 in two bytes [MQTT-1.5.5-1]
      {"30 FF 00", kLimit, FrameStatus::bad_length},        // 127 in two
      {"30 80 80 00", kLimit, FrameStatus::bad_length},     // in three
      {"30 80 80 80 00", kLimit, FrameStatus::bad_length},  // in four
      {"30 FF FF FF 80", kLimit, FrameStatus::bad_length},  // five bytes or more
      {"30 80 80 80 80", kLimit, FrameStatus::bad_length},
      {"30 FF FF FF 7F", kLimit, FrameStatus::too_large},  // the largest length there is
      {"30 FF FF FF 7F", kMaxPacketBytes, FrameStatus::need_more},
      {"30 FF FF FF", kLimit, FrameStatus::need_more},
      {"30 03", 5, FrameStatus::need_more},  // the limit counts the header
      {"30 03", 4, FrameStatus::too_large},
      {"30 80 01", 131, FrameStatus::need_more},
      {"30 80 01", 130, FrameStatus::too_large},
      {"C0 00", 2, FrameStatus::frame},
      {"C0 00", 1, FrameStatus::too_large},
      {"30 80 01", 0, FrameStatus::too_large},
      {"", kLimit, FrameStatus::need_more},
      {"30", kLimit, FrameStatus::need_more},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(status_at_once(bytes_of(c.bytes), c.limit), c.status) << c.bytes << " limit " << c.limit;
    EXPECT_EQ(status_bytewise(bytes_of(c.bytes), c.limit), c.status) << c.bytes << " limit " << c.limit;
  }
}

}  // namespace
}  // namespace martlet::wire
