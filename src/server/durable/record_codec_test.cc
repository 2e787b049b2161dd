#include "server/durable/record_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "session/message.h"
#include "wire/properties.h"

namespace martlet::server {
namespace {

using ::testing::ElementsAre;
using wire::QoS;

TEST(RecordCodec, AMessageAndItsReceiversComeBackAndNoCutIsMistaken) {
  const Now now{5'000, 1'700'000'000'000};
  session::MessageFacts facts;
  facts.qos = QoS::exactly_once;
  facts.retain = true;
  facts.publisher = 42;
  facts.received_wall_ms = 123;
  facts.expires_at_ms = 15'000;
  wire::PropertyWriter properties;
  properties.add_pair(wire::PropertyId::user_property, "k", "v");
  const auto message = session::MessageRef::make("a/b", as_bytes("payload"), properties.properties(), facts);
  const std::uint32_t identifiers[] = {7, 268'435'455};
  const broker::Owed owed[] = {{300, QoS::at_least_once, false, false, {}, {}},
                               {1, QoS::exactly_once, true, true, "$share/g/a/+", identifiers}};
  ByteWriter writer;
  encode(broker::MessageOwed{*message, 0, 0, owed}, now, writer);

  const Now later{1'000, 1'700'000'002'000};  // after a restart the monotonic clock begins anew
  LogRecordReader record;
  ASSERT_TRUE(record.begin(writer.view()));
  const auto back = make_message(record.message, later);
  EXPECT_EQ(back->topic(), "a/b");
  EXPECT_EQ(as_text(back->payload()), "payload");
  EXPECT_TRUE(equal(back->properties().raw(), properties.properties().raw()));
  EXPECT_EQ(back->facts().publisher, 42u);
  EXPECT_EQ(back->facts().expires_at_ms, 1'000 + 8'000);
  StoredOwed receiver;
  ASSERT_TRUE(record.next(receiver));
  EXPECT_EQ(receiver.session_key, 300u);
  EXPECT_FALSE(receiver.ahead);
  ASSERT_TRUE(record.next(receiver));
  EXPECT_EQ(receiver.share, "$share/g/a/+");
  EXPECT_THAT(receiver.identifiers, ElementsAre(7, 268'435'455));
  EXPECT_TRUE(receiver.retain);
  EXPECT_TRUE(receiver.ahead);
  EXPECT_FALSE(record.next(receiver));
  EXPECT_TRUE(record.sound());

  for (std::size_t size = 0; size < writer.view().size(); ++size) {
    LogRecordReader cut;
    if (!cut.begin(writer.view().first(size))) continue;
    while (cut.next(receiver)) {
    }
    EXPECT_FALSE(cut.sound()) << size;
  }
  // No byte, whatever it becomes, ends the process.
  std::string bytes(as_text(writer.view()));
  std::size_t refused = 0;
  for (char& byte : bytes) {
    for (const char flip : {'\x01', '\x02', '\x03', '\x80', '\xff'}) {
      byte = static_cast<char>(byte ^ flip);
      LogRecordReader reader;
      StoredOwed one;
      const bool begun = reader.begin(as_bytes(bytes));
      if (begun) make_message(reader.message, later);
      while (begun && reader.next(one)) {
      }
      refused += begun && reader.sound() ? 0 : 1;
      byte = static_cast<char>(byte ^ flip);
    }
  }
  EXPECT_GT(refused, 0u);
}

TEST(RecordCodec, AnExpiryTimeOutOfAllBoundsIsPutWithin) {
  const Now now{5'000, 1'700'000'000'000};
  StoredMessage stored;
  stored.expires_wall_ms = std::numeric_limits<std::int64_t>::min();
  EXPECT_TRUE(make_message(stored, now)->expired(now));
  stored.expires_wall_ms = std::numeric_limits<std::int64_t>::max();
  EXPECT_FALSE(make_message(stored, now)->expired(now));
}

// Layouts 1 to 3 as earlier versions wrote them.
TEST(RecordCodec, SessionsOfEachLayout) {
  broker::SessionChanged changed{7, "client", 60, 5, 9, 4, {}, {}};
  ByteWriter bare;
  encode(changed, bare);
  changed.username = "user";
  ByteWriter named;
  encode(changed, named);
  EXPECT_EQ(bare.view().front(), 2);
  EXPECT_EQ(named.view().front(), 3);
  const auto with_name = decode_session(7, named.view());
  ASSERT_TRUE(with_name);
  EXPECT_EQ(with_name->username, "user");
  EXPECT_EQ(with_name->maybe_sent_below, 4u);
  const auto without = decode_session(7, bare.view());
  ASSERT_TRUE(without);
  EXPECT_EQ(without->username, "");
  EXPECT_EQ(without->client_id, "client");
  std::vector<std::uint8_t> first(bare.view().begin(), bare.view().end() - 8);
  first.front() = 1;
  const auto oldest = decode_session(7, first);
  ASSERT_TRUE(oldest);
  EXPECT_EQ(oldest->cursor, 5u);
  EXPECT_EQ(oldest->username, "");
  for (std::size_t size = 0; size < named.view().size(); ++size) {
    EXPECT_FALSE(decode_session(7, named.view().first(size))) << size;
  }
  for (const std::string_view username : {"", "user"}) {
    changed.username = username;
    changed.listener = "public";
    ByteWriter placed;
    encode(changed, placed);
    EXPECT_EQ(placed.view().front(), 4);
    const auto with_listener = decode_session(7, placed.view());
    ASSERT_TRUE(with_listener);
    EXPECT_EQ(with_listener->username, username);
    EXPECT_EQ(with_listener->listener, "public");
    for (std::size_t size = 0; size < placed.view().size(); ++size) {
      EXPECT_FALSE(decode_session(7, placed.view().first(size))) << size;
    }
  }
  first.front() = 5;
  EXPECT_FALSE(decode_session(7, first));
}

}  // namespace
}  // namespace martlet::server
