// RocksDB on disks that run full, break, or come back damaged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "base/random.h"
#include "store/rocksdb/layout.h"
#include "store/rocksdb/open.h"
#include "store/store.h"
#include "store/testing/test_world.h"

namespace martlet::store::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class RocksdbDisk : public ::testing::Test {
 protected:
  std::unique_ptr<Store> open() { return Store::stepped(world_.open(), {.retry_ms = 0}); }

  // One record a commit, in files of their own size class. Each record names its position.
  static std::string record_text(Position position) { return std::to_string(position) + std::string(1000, '.'); }
  static void append(Store& store, int count, Durability level = Durability::fsync) {
    for (int i = 0; i < count; ++i) store.writer().append(as_bytes(record_text(store.writer().next())));
    submit(store, level);
  }
  static void commit(Store& store, int count) {
    append(store, count);
    ASSERT_TRUE(store.step()) << store.health().text;
  }
  // Tries until all is committed; RocksDB takes up to 5 s to see that there is room again.
  static void commit_all(Store& store) {
    while (store.pending_bytes() > 0) {
      if (!store.step()) std::this_thread::yield();
    }
  }
  static void expect_whole(const Reader& reader, Position end) {
    EXPECT_EQ(reader.end(), end);
    Position expected = reader.first();
    for (const auto& [position, text] : log_of(reader)) {
      ASSERT_EQ(position, expected++);
      ASSERT_EQ(text, record_text(position));
    }
    EXPECT_EQ(expected, end);
  }
  // A closed store with so many records and one pair, and how to open it on the real file system.
  RocksdbOptions closed_with(int records) {
    auto store = open();
    commit(*store, records);
    store->writer().put(Table::meta, as_bytes("k"), as_bytes("v"));
    store->writer().submit();
    EXPECT_TRUE(store->step());
    EXPECT_TRUE(store->close());
    RocksdbOptions options = world_.options;
    options.env = nullptr;
    return options;
  }
  std::string directory() const { return world_.options.path; }
  // The directory's largest file that ends like this.
  std::filesystem::path largest(const std::string& ending) const {
    std::filesystem::path found;
    for (const auto& entry : std::filesystem::directory_iterator(directory())) {
      if (!entry.path().string().ends_with(ending)) continue;
      if (found.empty() || entry.file_size() > std::filesystem::file_size(found)) found = entry.path();
    }
    EXPECT_FALSE(found.empty());
    return found;
  }
  static void flip_byte(const std::filesystem::path& path, std::uintmax_t at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const int byte = file.get();
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(byte ^ 0x5a));
    ASSERT_TRUE(file.good());
  }

  RocksdbWorld world_;
};

TEST_F(RocksdbDisk, AFullDiskIsWaitedOut) {
  auto store = open();
  commit(*store, 10);
  world_.disk->set_room(5000);
  append(*store, 10);
  const Ticket ticket = store->writer().ticket(Durability::fsync);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(store->step());
  EXPECT_TRUE(store->health().failing);
  EXPECT_THAT(store->health().text, HasSubstr("No space left on device"));
  EXPECT_FALSE(ticket.resolved(store->writer().resolved()));
  expect_whole(store->reader(), 11);  // readers go on
  append(*store, 5);
  world_.disk->set_room(100u << 20);
  commit_all(*store);
  EXPECT_TRUE(ticket.resolved(store->writer().resolved()));
  EXPECT_FALSE(store->health().failing);
  expect_whole(store->reader(), 26);
  commit(*store, 5);
  world_.cut_power(std::move(store));
  store = open();
  expect_whole(store->reader(), 31);
}

TEST_F(RocksdbDisk, APowerCutWhileTheDiskIsFullTakesNothingThatWasResolved) {
  auto store = open();
  commit(*store, 10);
  world_.disk->set_room(5000);
  append(*store, 10);
  EXPECT_FALSE(store->step());
  EXPECT_FALSE(store->step());
  world_.cut_power(std::move(store));
  store = open();
  expect_whole(store->reader(), 11);
}

TEST_F(RocksdbDisk, AFullDiskWhileBuffersAreWrittenIsWaitedOut) {
  world_.options.log_buffer_bytes = 64u << 10;
  auto store = open();
  for (int i = 0; i < 20; ++i) commit(*store, 5);
  world_.disk->set_room(120'000);
  int failed = 0;
  for (int i = 0; i < 60; ++i) {
    append(*store, 5);
    failed += store->step() ? 0 : 1;
  }
  EXPECT_GT(failed, 0);
  world_.disk->set_room(100u << 20);
  commit_all(*store);
  expect_whole(store->reader(), 401);
  world_.cut_power(std::move(store));
  store = open();
  expect_whole(store->reader(), 401);
}

TEST_F(RocksdbDisk, ABrokenSyncIsWaitedOut) {
  auto store = open();
  commit(*store, 10);
  world_.disk->fail_syncs(true);
  append(*store, 10);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(store->step());
  EXPECT_TRUE(store->health().failing);
  EXPECT_EQ(store->writer().resolved(), 1u);
  world_.disk->fail_syncs(false);
  EXPECT_TRUE(store->step()) << store->health().text;
  commit(*store, 10);
  world_.cut_power(std::move(store));
  store = open();
  expect_whole(store->reader(), 31);
}

TEST_F(RocksdbDisk, ABrokenSyncOfAnIntervalIsWaitedOut) {
  auto store = Store::stepped(world_.open(), {.retry_ms = 0});
  append(*store, 10, Durability::interval);
  EXPECT_TRUE(store->step());
  world_.disk->fail_syncs(true);
  for (int i = 0; i < 3; ++i) store->step(true);
  EXPECT_TRUE(store->health().failing);
  world_.disk->fail_syncs(false);
  store->step(true);
  EXPECT_FALSE(store->health().failing) << store->health().text;
  EXPECT_EQ(store->metrics().unsynced_operations, 0u);
  world_.cut_power(std::move(store));
  store = open();
  expect_whole(store->reader(), 11);
}

TEST_F(RocksdbDisk, TrimmingFreesTheDisk) {
  world_.options.log_buffer_bytes = 64u << 10;
  world_.options.max_wal_bytes = 256u << 10;
  std::unique_ptr<Backend> backend = world_.open();
  Backend& raw = *backend;
  auto store = Store::stepped(std::move(backend), {});
  for (int i = 0; i < 400; ++i) {
    std::string noise(5000, ' ');
    Random random(static_cast<std::uint64_t>(i));
    for (char& byte : noise) byte = static_cast<char>(random.next());
    store->writer().append(as_bytes(noise));
    submit(*store);
    ASSERT_TRUE(store->step());
  }
  const std::uint64_t full = store->reader().occupied_bytes();
  EXPECT_GT(full, 1'900'000u);
  store->writer().trim(store->writer().next() - 10);
  submit(*store);
  ASSERT_TRUE(store->step());
  // Files that are just being compacted are left for the next time.
  constexpr int kPatience = 2'000;
  for (int i = 0; i < kPatience && store->reader().occupied_bytes() >= 700'000u; ++i) {
    store->writer().append(as_bytes("x"));
    store->writer().trim(store->writer().next() - 10);
    submit(*store);
    ASSERT_TRUE(store->step());
    raw.idle();
  }
  EXPECT_LT(store->reader().occupied_bytes(), 700'000u);
  EXPECT_THAT(log_of(store->reader()), SizeIs(10));
  EXPECT_TRUE(store->close());
  store = open();
  EXPECT_LT(store->reader().occupied_bytes(), 500'000u);
  EXPECT_THAT(log_of(store->reader()), SizeIs(10));
}

TEST_F(RocksdbDisk, WhatIsTrimmedInTimeIsNeverWrittenToAFile) {
  auto store = open();
  for (int i = 0; i < 100; ++i) {
    append(*store, 10);
    store->writer().trim(store->writer().next() - 1);
    submit(*store);
    ASSERT_TRUE(store->step());
  }
  EXPECT_TRUE(store->close());
  store = open();
  EXPECT_LT(store->reader().occupied_bytes(), 10'000u);
  EXPECT_EQ(store->reader().first(), 1000u);
  EXPECT_THAT(log_of(store->reader()), SizeIs(1));
}

TEST_F(RocksdbDisk, ATrimThatWasNotSyncedDropsNothing) {
  std::unique_ptr<Backend> backend = world_.open();
  auto store = Store::stepped(std::move(backend), {});
  append(*store, 10);
  EXPECT_TRUE(store->step());
  store->writer().trim(5);
  submit(*store, Durability::interval);
  EXPECT_TRUE(store->step());
  world_.cut_power(std::move(store));
  store = open();
  expect_whole(store->reader(), 11);
  EXPECT_EQ(store->reader().first(), 1u);
}

TEST_F(RocksdbDisk, ADamagedFileIsReportedWithItsPlace) {
  auto store = open();
  commit(*store, 200);
  store->writer().put(Table::meta, as_bytes("k\x01"), as_bytes(std::string(100, 'v')));
  submit(*store);
  ASSERT_TRUE(store->step());
  EXPECT_TRUE(store->close());
  store.reset();
  // Somewhere in the log's first block; the tables' files are smaller.
  flip_byte(largest(".sst"), 1000);
  store = open();
  Position reached = 0;
  const ScanOutcome outcome = store->reader().scan(1, 1u << 20, [&](Position position, ByteView) {
    reached = position;
    return true;
  });
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.next, reached + 1);
  EXPECT_THAT(outcome.error->message, HasSubstr("read log record " + std::to_string(outcome.next)));
  EXPECT_THAT(outcome.error->message, HasSubstr(".sst"));
  std::string record;
  EXPECT_FALSE(store->reader().read(outcome.next, record));
  // Skipping, one by one, comes through to the undamaged rest.
  Position at = outcome.next + 1;
  while (at < 201 && store->reader().scan(at, 1, [](Position, ByteView) { return true; }).error) ++at;
  EXPECT_LT(at, 201u);
  EXPECT_THAT(log_of(store->reader(), at), SizeIs(201 - at));
}

TEST_F(RocksdbDisk, InspectionGoesOnBesideAFileThatCannotBeUsed) {
  const RocksdbOptions options = closed_with(5);
  std::string damaged;
  for (const StoreFile& file : open_rocksdb_read_only(options).value()->files()) {
    if (file.table == "log") damaged = file.name;
  }
  const std::filesystem::path path = directory() + "/" + damaged;
  flip_byte(path, std::filesystem::file_size(path) - 1);
  const auto inspected = open_rocksdb_read_only(options);
  ASSERT_TRUE(inspected) << inspected.error().message;
  std::vector<std::string> broken;
  for (const StoreFile& file : (*inspected)->files()) {
    if (!(*inspected)->verify(file)) broken.push_back(file.name);
  }
  EXPECT_THAT(broken, ::testing::ElementsAre(damaged));
  EXPECT_THAT(pairs_of(**inspected, Table::meta), SizeIs(1));
  EXPECT_EQ((*inspected)->end(), 6u);
}

// The log's end is found all the same, so positions go on behind it.
TEST_F(RocksdbDisk, ADamagedLastBlockIsReportedWhenItIsRead) {
  auto store = open();
  commit(*store, 5);
  EXPECT_TRUE(store->close());
  store.reset();
  flip_byte(largest(".sst"), 100);
  store = open();
  ASSERT_TRUE(store);
  EXPECT_EQ(store->reader().end(), 6u);
  EXPECT_TRUE(store->reader().scan(1, 1u << 20, [](Position, ByteView) { return true; }).error);
  commit(*store, 2);
  world_.kill(std::move(store));
  RocksdbOptions options = world_.options;
  options.env = nullptr;
  const auto inspected = open_rocksdb_read_only(options);
  ASSERT_TRUE(inspected) << inspected.error().message;
  EXPECT_EQ((*inspected)->end(), 8u);
  EXPECT_THAT(log_of(**inspected, 6), SizeIs(2));
}

TEST_F(RocksdbDisk, FilesAreVerifiedOneByOne) {
  const RocksdbOptions options = closed_with(200);
  const std::filesystem::path damaged = largest(".sst");
  for (const bool flipped : {false, true}) {
    if (flipped) flip_byte(damaged, 1000);
    const auto inspected = open_rocksdb_read_only(options);
    ASSERT_TRUE(inspected) << inspected.error().message;
    std::set<std::string> tables;
    for (const StoreFile& file : (*inspected)->files()) {
      const Result<void> verified = (*inspected)->verify(file);
      const bool expected = !flipped || file.name != damaged.filename();
      EXPECT_EQ(verified.has_value(), expected) << file.name;
      if (!expected) {
        EXPECT_THAT(verified.error().message, HasSubstr(file.name));
      }
      EXPECT_GT(file.bytes, 0u);
      tables.insert(file.table);
    }
    EXPECT_TRUE(tables.contains("log") && tables.contains("meta"));
  }
}

TEST_F(RocksdbDisk, ATornEndOfTheWriteAheadLogIsForgotten) {
  auto store = open();
  commit(*store, 10);
  commit(*store, 10);
  world_.kill(std::move(store));
  const std::filesystem::path wal = largest(".log");
  std::filesystem::resize_file(wal, std::filesystem::file_size(wal) - 3000);
  store = open();
  expect_whole(store->reader(), 11);
  commit(*store, 5);
  world_.cut_power(std::move(store));
  store = open();
  expect_whole(store->reader(), 16);
}

// A power cut may leave the length of the last write without its bytes.
TEST_F(RocksdbDisk, ALastWriteOfWrongBytesIsForgotten) {
  auto store = open();
  commit(*store, 10);
  commit(*store, 100);
  world_.kill(std::move(store));
  const std::filesystem::path wal = largest(".log");
  const std::uintmax_t size = std::filesystem::file_size(wal);
  std::filesystem::resize_file(wal, size - 50'000);
  std::filesystem::resize_file(wal, size - 2'000);
  std::ofstream(wal, std::ios::app | std::ios::binary) << std::string(2'000, 'g');
  {
    RocksdbOptions options = world_.options;
    options.env = nullptr;
    const auto inspected = open_rocksdb_read_only(options);
    ASSERT_TRUE(inspected) << inspected.error().message;
    expect_whole(**inspected, 11);
  }
  store = open();
  ASSERT_TRUE(store);
  expect_whole(store->reader(), 11);
  commit(*store, 5);
  world_.cut_power(std::move(store));
  store = open();
  expect_whole(store->reader(), 16);
}

TEST_F(RocksdbDisk, DamageInTheWriteAheadLogIsNotPassedOverInSilence) {
  auto store = open();
  for (int i = 0; i < 10; ++i) commit(*store, 10);
  world_.kill(std::move(store));
  flip_byte(largest(".log"), 45'000);
  RocksdbOptions options = world_.options;
  options.env = nullptr;
  const auto refused = open_rocksdb(options);
  ASSERT_FALSE(refused);
  // The flipped byte is in a fragment that begins where the block does.
  EXPECT_THAT(refused.error().message,
              HasSubstr("its write-ahead log " + largest(".log").filename().string() + " is damaged at byte "));
  EXPECT_FALSE(open_rocksdb_read_only(options));
  EXPECT_TRUE(damaged_end(options));
  for (bool* opens : {&options.drop_damaged_end, &options.unsynced_end}) {
    *opens = true;
    const auto inspected = open_rocksdb_read_only(options);
    ASSERT_TRUE(inspected) << inspected.error().message;
    EXPECT_EQ((*inspected)->end(), 41u);
    *opens = false;
  }
  options.drop_damaged_end = true;
  const auto opened = open_rocksdb(options);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ((*opened)->end(), 41u);
}

}  // namespace
}  // namespace martlet::store::testing
