#include "tools/bench/publish_codec.h"

#include <gtest/gtest.h>

#include <string>

#include "base/byte_chain.h"
#include "wire/decode.h"
#include "wire/encode.h"

namespace martlet::tools::bench {
namespace {

constexpr Stamp kStamp{77, 123'456'789'012, 987'654'321'000};

struct Case {
  wire::ProtocolVersion version;
  std::uint8_t qos;
  bool retain;
  std::size_t payload_bytes;
};

class PublishTemplateTest : public testing::TestWithParam<Case> {
 protected:
  static std::vector<std::uint8_t> packet() {
    const Case& c = GetParam();
    const PublishTemplate head("bench/1/0000042", c.qos, c.retain, c.payload_bytes, c.version);
    std::vector<std::uint8_t> bytes(head.head_bytes() + c.payload_bytes - kStampBytes, 'm');
    head.write(bytes.data(), 0xABCD, kStamp);
    const std::string digits = "0000043";
    copy_bytes(bytes.data() + head.topic_digits_at(7), as_bytes(digits));
    return bytes;
  }
};

TEST_P(PublishTemplateTest, WritesWhatTheWireReads) {
  const auto bytes = packet();
  PacketHeader header;
  ASSERT_EQ(read_header(bytes, header), HeaderStatus::complete);
  ASSERT_EQ(header.header_bytes + header.body_bytes, bytes.size());
  const auto decoded = wire::decode(header.first_byte, ByteView(bytes).subspan(header.header_bytes), GetParam().version,
                                    wire::Sender::client);
  ASSERT_TRUE(decoded);
  const auto& publish = std::get<wire::Publish>(*decoded);
  EXPECT_EQ(publish.topic, "bench/1/0000043");
  EXPECT_EQ(static_cast<int>(publish.qos), GetParam().qos);
  EXPECT_EQ(publish.retain, GetParam().retain);
  EXPECT_EQ(publish.packet_id, GetParam().qos > 0 ? 0xABCD : 0);
  ASSERT_EQ(publish.payload.size(), GetParam().payload_bytes);
  EXPECT_EQ(read_stamp(publish.payload.data()), kStamp);
}

TEST_P(PublishTemplateTest, IsReadBackFromAnyPartThatHoldsTheStamp) {
  const auto bytes = packet();
  PacketHeader header;
  ASSERT_EQ(read_header(bytes, header), HeaderStatus::complete);
  const ByteView body = ByteView(bytes).subspan(header.header_bytes);
  const std::size_t enough = body.size() - (GetParam().payload_bytes - kStampBytes);
  for (std::size_t size = 0; size <= body.size(); ++size) {
    ReceivedPublish publish;
    const PublishStatus status = read_publish(header, body.first(size), GetParam().version, publish);
    ASSERT_EQ(status, size < enough ? PublishStatus::need_more : PublishStatus::complete) << size;
    if (status != PublishStatus::complete) continue;
    EXPECT_EQ(publish.stamp, kStamp);
    EXPECT_EQ(publish.qos, GetParam().qos);
    EXPECT_EQ(publish.retain, GetParam().retain);
    EXPECT_EQ(publish.topic, "bench/1/0000043");
    EXPECT_EQ(publish.payload_bytes, GetParam().payload_bytes);
  }
}

constexpr Case kCases[] = {{wire::ProtocolVersion::v3_1_1, 0, false, 16},
                           {wire::ProtocolVersion::v3_1_1, 1, true, 300},
                           {wire::ProtocolVersion::v5_0, 0, true, 64},
                           {wire::ProtocolVersion::v5_0, 1, false, 16},
                           {wire::ProtocolVersion::v5_0, 2, true, 400}};
INSTANTIATE_TEST_SUITE_P(All, PublishTemplateTest, testing::ValuesIn(kCases));

TEST(ReadPublish, SkipsProperties) {
  wire::PropertyWriter properties;
  properties.add_text(wire::PropertyId::content_type, std::string(200, 'x'));
  std::vector<std::uint8_t> payload(20);
  write_stamp(payload.data(), kStamp);
  ByteChain chain;
  wire::PublishParts parts;
  parts.topic = "t";
  parts.properties = properties.properties();
  parts.payload = payload;
  wire::encode(parts, wire::ProtocolVersion::v5_0, chain);
  ByteView bytes;
  ASSERT_EQ(chain.front(&bytes, 1), 1u);
  PacketHeader header;
  ASSERT_EQ(read_header(bytes, header), HeaderStatus::complete);
  ReceivedPublish publish;
  ASSERT_EQ(read_publish(header, bytes.subspan(header.header_bytes), wire::ProtocolVersion::v5_0, publish),
            PublishStatus::complete);
  EXPECT_EQ(publish.stamp, kStamp);
  EXPECT_EQ(publish.payload_bytes, 20u);
}

TEST(ReadPublish, RefusesPayloadsWithoutAStamp) {
  const std::uint8_t body[] = {0, 1, 't', 'h', 'i'};
  ReceivedPublish publish;
  EXPECT_EQ(read_publish({0x30, 2, sizeof body}, body, wire::ProtocolVersion::v3_1_1, publish),
            PublishStatus::malformed);
}

TEST(ReadHeader, FollowsTheFourByteLimit) {
  PacketHeader header;
  const std::uint8_t endless[] = {0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x01};
  EXPECT_EQ(read_header(endless, header), HeaderStatus::malformed);
  EXPECT_EQ(read_header(ByteView(endless).first(4), header), HeaderStatus::need_more);
  EXPECT_EQ(read_header({}, header), HeaderStatus::need_more);
}

TEST(Acknowledgement, IsReadBack) {
  std::uint8_t bytes[kAckBytes];
  write_ack(bytes, wire::PacketType::pubrel, 0x1234);
  EXPECT_EQ(bytes[0], 0x62);
  std::uint16_t packet_id = 0;
  std::uint8_t reason = 9;
  ASSERT_TRUE(read_ack(ByteView(bytes).subspan(2), packet_id, reason));
  EXPECT_EQ(packet_id, 0x1234);
  EXPECT_EQ(reason, 0);
  const std::uint8_t refused[] = {0, 1, 0x97, 0};
  ASSERT_TRUE(read_ack(refused, packet_id, reason));
  EXPECT_EQ(reason, 0x97);
  EXPECT_FALSE(read_ack(ByteView(refused).first(1), packet_id, reason));
}

}  // namespace
}  // namespace martlet::tools::bench
