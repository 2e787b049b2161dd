#include "store/memory/memory_backend.h"

#include <gtest/gtest.h>

#include "store/store.h"

namespace martlet::store {
namespace {

TEST(MemoryBackend, ALostRecordIsReportedWithItsPlace) {
  const auto disk = std::make_shared<MemoryDisk>();
  const auto store = Store::stepped(open_memory(disk), {});
  for (const char* text : {"a", "b", "c"}) store->writer().append(as_bytes(text));
  store->writer().submit();
  store->step();
  disk->damage_record(2);
  std::string record;
  const Result<bool> read = store->reader().read(2, record);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "log record 2 is damaged");
  const ScanOutcome outcome = store->reader().scan(1, 100, [](Position, ByteView) { return true; });
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.next, 2u);
  EXPECT_FALSE(store->reader().scan(outcome.next + 1, 100, [](Position, ByteView) { return true; }).error);
}

TEST(MemoryBackend, TheDiskOutlivesItsBackendAndIsCutApart) {
  const auto disk = std::make_shared<MemoryDisk>();
  {
    const auto store = Store::stepped(open_memory(disk), {});
    store->writer().append(as_bytes("a"));
    store->writer().submit();
    store->step();
    EXPECT_EQ(open_memory(disk->power_cut())->end(), 1u);
    EXPECT_EQ(open_memory(disk->killed())->end(), 2u);
    store->step(true);
    EXPECT_EQ(open_memory(disk->power_cut())->end(), 2u);
  }
  EXPECT_EQ(open_memory(disk)->end(), 2u);
}

}  // namespace
}  // namespace martlet::store
