#include "session/message.h"

#include <gtest/gtest.h>

#include <string>

#include "session/test_support.h"
#include "wire/decode.h"
#include "wire/framer.h"

namespace martlet::session {
namespace {

using test::Bytes;
using wire::PropertyId;

// A large PUBLISH as it comes in two parts, and what the decoder sees of it.
class LargePublish : public ::testing::Test {
 protected:
  void receive(std::string_view topic, const wire::PropertyWriter& properties) {
    wire::Publish packet;
    packet.topic = topic;
    packet.payload = payload_;
    packet.properties = properties.properties();
    const Bytes bytes = test::encoded(packet, wire::ProtocolVersion::v5_0);
    ByteView input = ByteView(bytes).first(bytes.size() / 2);
    wire::Frame frame;
    ASSERT_EQ(framer_.next(input, frame), wire::FrameStatus::need_more);
    input = ByteView(bytes).subspan(bytes.size() / 2);
    ASSERT_EQ(framer_.next(input, frame), wire::FrameStatus::frame);
    auto decoded = wire::decode(frame.first_byte, frame.body, wire::ProtocolVersion::v5_0, wire::Sender::client);
    ASSERT_TRUE(decoded.has_value());
    publish_ = std::get<wire::Publish>(*decoded);
    block_ = framer_.take_block();
    ASSERT_TRUE(block_);
    facts_.publisher = 5;
  }
  MessageRef make() { return MessageRef::make(publish_.topic, publish_.payload, publish_.properties, facts_, block_); }
  // What the message has to say, whichever block it is in.
  void expect_content(const MessageRef& message, std::string_view topic, ByteView properties) {
    EXPECT_EQ(message->topic(), topic);
    EXPECT_TRUE(equal(message->payload(), payload_));
    EXPECT_TRUE(equal(message->properties().raw(), properties));
    EXPECT_EQ(message->facts().publisher, 5u);
  }

  const Bytes payload_ = Bytes(100'000, 'x');
  wire::Framer framer_{wire::kMaxPacketBytes, MessageRef::kHeadroomBytes};
  wire::Publish publish_;
  BlockRef block_;
  MessageFacts facts_;
};

TEST_F(LargePublish, StaysWhereItArrived) {
  wire::PropertyWriter properties;
  properties.add_text(PropertyId::content_type, "text/plain");
  receive("a/topic", properties);
  const MessageRef message = make();
  EXPECT_EQ(message.block().get(), block_.get());
  EXPECT_EQ(message->payload().data(), publish_.payload.data());
  block_ = BlockRef();
  expect_content(message, "a/topic", properties.properties().raw());
}

TEST_F(LargePublish, TakesTopicOfAnAliasAndFilteredPropertiesIntoTheHeadroom) {
  wire::PropertyWriter properties;
  properties.add_number(PropertyId::topic_alias, 3);
  properties.add_text(PropertyId::content_type, "text/plain");
  receive("", properties);
  const std::string topic = "known/by/an/alias";
  publish_.topic = topic;
  const MessageRef message = make();
  EXPECT_EQ(message.block().get(), block_.get());
  wire::PropertyWriter kept;
  kept.add_text(PropertyId::content_type, "text/plain");
  expect_content(message, topic, kept.properties().raw());
  EXPECT_NE(message->topic().data(), topic.data());
}

TEST_F(LargePublish, DropsPropertiesThatAreNotPassedOn) {
  wire::PropertyWriter properties;
  properties.add_number(PropertyId::message_expiry_interval, 3);
  receive("a/topic", properties);
  const MessageRef message = make();
  EXPECT_EQ(message.block().get(), block_.get());
  expect_content(message, "a/topic", {});
}

TEST_F(LargePublish, IsCopiedWhenTheHeadroomIsTooSmall) {
  wire::PropertyWriter properties;
  properties.add_number(PropertyId::topic_alias, 3);
  receive("", properties);
  const std::string topic(1000, 't');
  publish_.topic = topic;
  const MessageRef message = make();
  EXPECT_NE(message.block().get(), block_.get());
  block_ = BlockRef();
  expect_content(message, topic, {});
}

TEST_F(LargePublish, IsCopiedWhenItLiesElsewhere) {
  receive("a/topic", {});
  publish_.payload = payload_;
  const MessageRef message = make();
  EXPECT_NE(message.block().get(), block_.get());
  expect_content(message, "a/topic", {});
}

}  // namespace
}  // namespace martlet::session
