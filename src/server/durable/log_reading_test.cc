#include "server/durable/log_reading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "server/durable/record_codec.h"
#include "store/memory/memory_backend.h"

namespace martlet::server {
namespace {

using session::Delivery;
using session::LoggedDelivery;
using ::testing::HasSubstr;

// With nothing behind them, neither: who waits for them would wait for ever.
TEST(LogReading, TrimmedRecordsAreLostAndThoseToComeAreNot) {
  const auto store = store::Store::stepped(store::open_memory(std::make_shared<store::MemoryDisk>()), {});
  for (int i = 0; i < 3; ++i) store->writer().append(as_bytes("record"));
  store->writer().trim(4);
  store->writer().submit();
  while (store->step()) {
  }
  ASSERT_EQ(store->reader().first(), store->reader().end());
  std::array<LoggedDelivery, 3> wanted{};
  wanted[0].position = 1;
  wanted[1].position = 3;
  wanted[2].position = 4;
  std::array<Delivery, 3> to;
  const broker::LogReading reading = read_log(*store, store->writer().readable_below(), Now{}, 1, wanted, to);
  EXPECT_EQ(reading.done, 2u);
  EXPECT_THAT(reading.damage, HasSubstr("record 1 was trimmed"));
  EXPECT_FALSE(to[0].message);
  EXPECT_EQ(to[1].position, 3u);
}

// A core reads its own records between those of others; what is missing is lost, what is on its way is not.
TEST(LogReading, HolesAreLostAndWhatThisCoreHasNotCommittedIsNot) {
  const auto store = store::Store::stepped(store::open_memory(std::make_shared<store::MemoryDisk>()), {}, 2);
  store::Writer& own = store->writer(0);
  store::Writer& other = store->writer(1);
  const auto submit = [&](store::Writer& writer) {
    writer.submit();
    while (store->step()) {
    }
  };
  ByteWriter bytes;
  const auto message = session::MessageRef::make("t", as_bytes(std::string_view("own")), {}, {});
  encode(broker::MessageOwed{*message, 0, 0, {}}, Now{}, bytes);
  own.append(bytes.view());
  own.append(bytes.view());
  submit(own);
  const store::Position others = other.append(as_bytes(std::string_view("record")));
  submit(other);
  own.append(bytes.view());  // not submitted
  const auto read = [&](std::initializer_list<store::Position> positions) {
    std::vector<LoggedDelivery> wanted(positions.size());
    std::ranges::transform(positions, wanted.begin(), [](store::Position position) {
      LoggedDelivery delivery;
      delivery.position = position;
      return delivery;
    });
    std::vector<Delivery> to(positions.size());
    return read_log(*store, own.readable_below(), Now{}, 1, wanted, to);
  };
  ASSERT_GT(others, 3u);
  EXPECT_EQ(read({1, 2, 3}).done, 2u) << "3 is still to come, though there is a later record";
  EXPECT_EQ(read({2, 3}).done, 1u);
  EXPECT_EQ(read({3}).done, 0u);
  EXPECT_EQ(read({3}).damage, "");
  submit(own);
  EXPECT_EQ(read({1, 2, 3}).done, 3u);
  EXPECT_EQ(read({1, 2, 3}).damage, "");

  // Holes that sessions are owed can only be damage.
  own.renew();
  own.append(bytes.view());
  submit(own);
  EXPECT_EQ(read({3, 4, 5}).done, 3u);
  EXPECT_EQ(read({3, 4, 5}).damage, "the log's record 4 is missing");
  EXPECT_EQ(read({4}).done, 1u);
  EXPECT_EQ(read({4}).damage, "the log's record 4 is missing");
  const store::Position end = store->reader().end();
  own.renew();
  other.renew();
  other.append(as_bytes(std::string_view("record")));
  own.renew();
  EXPECT_GT(own.readable_below(), end);
  EXPECT_EQ(read({end, end + 1}).done, 2u) << "with nothing behind them";
}

TEST(LogReading, ATimeIsFoundBehindAHole) {
  const auto store = store::Store::stepped(store::open_memory(std::make_shared<store::MemoryDisk>()), {}, 2);
  session::MessageFacts facts;
  facts.received_wall_ms = 4711;
  ByteWriter bytes;
  encode(broker::MessageOwed{*session::MessageRef::make("t", {}, {}, facts), 0, 0, {}}, Now{}, bytes);
  store->writer(1).append(bytes.view());
  store->writer(1).submit();
  ASSERT_TRUE(store->step());
  EXPECT_EQ(received_wall_ms(store->reader(), 1), 4711);
  EXPECT_EQ(received_wall_ms(store->reader(), store->reader().end()), 0);
}

}  // namespace
}  // namespace martlet::server
