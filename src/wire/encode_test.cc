#include "wire/encode.h"

#include <gtest/gtest.h>

#include <string>

#include "wire/testing/packet_equal.h"
#include "wire/testing/test_support.h"

namespace martlet::wire {
namespace {

using test::Bytes;
using test::bytes_of;
using test::encoded;

constexpr auto k31 = ProtocolVersion::v3_1;
constexpr auto k311 = ProtocolVersion::v3_1_1;
constexpr auto k5 = ProtocolVersion::v5_0;

Bytes encoded(const PublishParts& parts, ProtocolVersion version, const BlockRef& owner = {}) {
  ByteChain chain;
  encode(parts, version, chain, owner);
  EXPECT_EQ(chain.size(), encoded_size(parts, version));
  return bytes_of(chain);
}

TEST(Encode, ShortFormsOfAcknowledgements) {
  PublishAck ack{PacketType::puback, 0x0102, ReasonCode::success, {}};
  EXPECT_EQ(encoded(ack, k5), bytes_of("40 02 0102"));
  ack.reason = ReasonCode::no_matching_subscribers;
  EXPECT_EQ(encoded(ack, k5), bytes_of("40 03 0102 10"));
  EXPECT_EQ(encoded(ack, k311), bytes_of("40 02 0102"));
  PropertyWriter writer;
  writer.add_text(PropertyId::reason_string, "no");
  ack.properties = writer.properties();
  EXPECT_EQ(encoded(ack, k5), bytes_of("40 09 0102 10 05 1F 0002 'no'"));
  EXPECT_EQ(encoded(ack, k31), bytes_of("40 02 0102"));
  ack.reason = ReasonCode::success;
  EXPECT_EQ(encoded(ack, k5), bytes_of("40 09 0102 00 05 1F 0002 'no'"));
  ack.type = PacketType::pubrel;
  EXPECT_EQ(encoded(ack, k311), bytes_of("62 02 0102"));
}

TEST(Encode, ShortFormsOfDisconnectAndAuth) {
  EXPECT_EQ(encoded(Disconnect{}, k5), bytes_of("E0 00"));
  EXPECT_EQ(encoded(Disconnect{ReasonCode::session_taken_over, {}}, k5), bytes_of("E0 01 8E"));
  EXPECT_EQ(encoded(Disconnect{ReasonCode::session_taken_over, {}}, k311), bytes_of("E0 00"));
  EXPECT_EQ(encoded(Auth{}, k5), bytes_of("F0 00"));
  PropertyWriter writer;
  writer.add_text(PropertyId::authentication_method, "m");
  EXPECT_EQ(encoded(Auth{ReasonCode::continue_authentication, writer.properties()}, k5),
            bytes_of("F0 06 18 04 15 0001 'm'"));
  EXPECT_EQ(encoded(Pingreq{}, k5), bytes_of("C0 00"));
  EXPECT_EQ(encoded(Pingresp{}, k31), bytes_of("D0 00"));
}

TEST(Encode, ConnectGoesByItsOwnVersion) {
  Connect connect;
  connect.client_id = "c";
  connect.keep_alive_s = 60;
  EXPECT_EQ(encoded(connect, k31), bytes_of("10 0E 0004 'MQTT' 05 02 003C 00 0001 'c'"));
  connect.version = k311;
  EXPECT_EQ(encoded(connect, k5), bytes_of("10 0D 0004 'MQTT' 04 02 003C 0001 'c'"));
  connect.version = k31;
  connect.clean_start = false;
  EXPECT_EQ(encoded(connect, k5), bytes_of("10 0F 0006 'MQIsdp' 03 00 003C 0001 'c'"));
}

TEST(Encode, ConnackTranslatesForOldVersions) {
  const Connack refused{false, ReasonCode::bad_user_name_or_password, {}};
  EXPECT_EQ(encoded(refused, k5), bytes_of("20 03 00 86 00"));
  EXPECT_EQ(encoded(refused, k311), bytes_of("20 02 00 04"));
  const Connack resumed{true, ReasonCode::success, {}};
  EXPECT_EQ(encoded(resumed, k311), bytes_of("20 02 01 00"));
  EXPECT_EQ(encoded(resumed, k31), bytes_of("20 02 00 00"));
}

TEST(Encode, SubscriptionsForOldVersions) {
  FilterListWriter writer(true);
  SubscriptionOptions options;
  options.qos = QoS::at_least_once;
  options.no_local = true;
  options.retain_handling = 2;
  writer.add({"a", options});
  writer.add({"bb", {}});
  const Subscribe subscribe{1, {}, writer.list()};
  EXPECT_EQ(encoded(subscribe, k5), bytes_of("82 0C 0001 00 0001 'a' 25 0002 'bb' 00"));
  EXPECT_EQ(encoded(subscribe, k311), bytes_of("82 0B 0001 0001 'a' 01 0002 'bb' 00"));

  const Bytes codes = bytes_of("01 8F 97");
  EXPECT_EQ(encoded(FilterAck{PacketType::suback, 1, {}, codes}, k5), bytes_of("90 06 0001 00 01 8F 97"));
  EXPECT_EQ(encoded(FilterAck{PacketType::suback, 1, {}, codes}, k311), bytes_of("90 05 0001 01 80 80"));
  EXPECT_EQ(encoded(FilterAck{PacketType::unsuback, 1, {}, codes}, k311), bytes_of("B0 02 0001"));
}

TEST(Encode, PublishFromParts) {
  PropertyWriter message;
  message.add_text(PropertyId::content_type, "x");
  const std::uint32_t identifiers[] = {1, 300};
  const Bytes payload = bytes_of("'hello'");
  PublishParts parts;
  parts.topic = "t";
  parts.qos = QoS::at_least_once;
  parts.retain = true;
  parts.packet_id = 0x0708;
  parts.properties = message.properties();
  parts.message_expiry_s = 5;
  parts.topic_alias = 9;
  parts.subscription_identifiers = identifiers;
  parts.payload = payload;
  EXPECT_EQ(encoded(parts, k5),
            bytes_of("33 1C 0001 't' 0708 11 03 0001 'x' 02 00000005 23 0009 0B 01 0B AC02 'hello'"));
  EXPECT_EQ(encoded(parts, k311), bytes_of("33 0A 0001 't' 0708 'hello'"));
  parts.topic = "";
  parts.qos = QoS::at_most_once;
  parts.retain = false;
  parts.properties = {};
  parts.message_expiry_s.reset();
  parts.subscription_identifiers = {};
  EXPECT_EQ(encoded(parts, k5), bytes_of("30 0B 0000 03 23 0009 'hello'"));
}

TEST(Encode, LargePayloadsAreReferenced) {
  for (const std::size_t size : {kSharePayloadBytes - 1, kSharePayloadBytes, std::size_t{300'000}}) {
    const BlockRef owner = BlockRef::adopt(allocate_block(size));
    for (std::size_t i = 0; i < size; ++i) owner->data()[i] = static_cast<std::uint8_t>(i);
    PublishParts parts;
    parts.topic = "t";
    parts.payload = {owner->data(), size};
    ByteChain chain;
    encode(parts, k5, chain, owner);
    ByteView views[4];
    const std::size_t count = chain.front(views, 4);
    const bool shared = count > 1 && views[count - 1].data() == owner->data();
    EXPECT_EQ(shared, size >= kSharePayloadBytes) << size;
    EXPECT_EQ(bytes_of(chain), encoded(parts, k5)) << size;
  }
}

TEST(Encode, RemainingLengthIsInItsShortestForm) {
  struct Edge {
    std::size_t payload;
    std::size_t header;
  };
  for (const Edge edge :
       {Edge{124, 2}, Edge{125, 3}, Edge{16380, 3}, Edge{16381, 4}, Edge{2097148, 4}, Edge{2097149, 5}}) {
    const Bytes payload(edge.payload, 1);
    PublishParts parts;
    parts.topic = "t";
    parts.payload = payload;
    const Bytes bytes = encoded(parts, k311);
    EXPECT_EQ(bytes.size(), edge.header + 3 + edge.payload);
    const auto result = test::decoded(bytes, k311, Sender::server);
    ASSERT_TRUE(result.has_value()) << edge.payload;
  }
}

TEST(EncodeDeathTest, StringsBeyondTheirLengthFieldAreABug) {
  const std::string text(kMaxTextBytes + 1, 'x');
  PublishParts parts;
  parts.topic = text;
  ByteChain chain;
  EXPECT_DEATH(encode(parts, k5, chain), "65,535");
  PropertyWriter writer;
  EXPECT_DEATH(writer.add_text(PropertyId::content_type, text), "65,535");
  parts.topic = std::string_view(text).substr(1);
  EXPECT_TRUE(test::decoded(encoded(parts, k5), k5, Sender::server).has_value());
}

TEST(EncodeDeathTest, SizeTellsWhatDoesNotFit) {
  // Only its length counts; the bytes behind it are never read.
  const std::uint8_t byte = 0;
  PublishParts parts;
  parts.topic = "t";
  parts.payload = {&byte, kMaxRemainingLength - 3};
  EXPECT_EQ(encoded_size(parts, k311), kMaxPacketBytes);
  EXPECT_GT(encoded_size(parts, k5), kMaxPacketBytes);
  ByteChain chain;
  EXPECT_DEATH(encode(parts, k5, chain), "fits");
}

}  // namespace
}  // namespace martlet::wire
