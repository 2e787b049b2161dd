#include "server/durable/log_reading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

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

}  // namespace
}  // namespace martlet::server
