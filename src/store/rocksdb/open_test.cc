// Which directories are opened, and what is said about the others.
#include "store/rocksdb/open.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "store/store.h"
#include "store/testing/temporary_directory.h"
#include "store/testing/test_world.h"

namespace martlet::store::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr const char* kChildDirectory = "MARTLET_STORE_TEST_DIRECTORY";

void write_file(const std::string& path, std::string_view text) {
  std::ofstream(path) << text;
}

std::string open_failure(const std::string& path) {
  const auto backend = open_rocksdb({.path = path});
  return backend ? "opened" : backend.error().message;
}

TEST(RocksdbOpen, ASecondOpeningIsRefused) {
  TemporaryDirectory directory;
  const auto first = open_rocksdb({.path = directory / "store"});
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_THAT(open_failure(directory / "store"), HasSubstr("another process has it open"));
}

// Run by the test below in a process of its own.
TEST(RocksdbOpen, Child) {
  const char* directory = ::getenv(kChildDirectory);
  if (!directory) GTEST_SKIP() << "only for the test of two processes";
  EXPECT_THAT(open_failure(directory), HasSubstr("another process has it open"));
}

TEST(RocksdbOpen, ASecondProcessIsRefused) {
  TemporaryDirectory directory;
  const auto first = open_rocksdb({.path = directory / "store"});
  ASSERT_TRUE(first) << first.error().message;
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  const std::string command = std::string(kChildDirectory) + "='" + (directory / "store") + "' '" + self +
                              "' --gtest_filter=RocksdbOpen.Child > '" + (directory / "output") + "'";
  EXPECT_EQ(std::system(command.c_str()), 0);
  std::ifstream output(directory / "output");
  const std::string text{std::istreambuf_iterator<char>(output), {}};
  EXPECT_THAT(text, HasSubstr("[  PASSED  ] 1 test"));
}

TEST(RocksdbOpen, ADirectoryOfSomethingElseIsRefusedUntouched) {
  TemporaryDirectory directory;
  write_file(directory / "notes.txt", "mine");
  EXPECT_THAT(open_failure(directory.path()), HasSubstr("holds something else ('notes.txt'"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1);
}

// A full disk ended the process where RocksDB could not write its own log.
TEST(RocksdbOpen, RocksdbWritesNoLogOfItsOwn) {
  TemporaryDirectory directory;
  ASSERT_TRUE(open_rocksdb({.path = directory / "store"}));
  EXPECT_FALSE(std::filesystem::exists(directory / "store/LOG"));
}

TEST(RocksdbOpen, AFileIsRefused) {
  TemporaryDirectory directory;
  write_file(directory / "file", "");
  EXPECT_THAT(open_failure(directory / "file"), HasSubstr("cannot"));
}

TEST(RocksdbOpen, ANewerFormatIsRefused) {
  TemporaryDirectory directory;
  ASSERT_TRUE(open_rocksdb({.path = directory / "store"}));
  write_file(directory / "store/FORMAT", "martlet-store 2\n");
  EXPECT_THAT(open_failure(directory / "store"), HasSubstr("it has format 2, this program knows up to 1"));
  write_file(directory / "store/FORMAT", "");
  EXPECT_THAT(open_failure(directory / "store"), HasSubstr("FORMAT is damaged"));
}

TEST(RocksdbOpen, AnUnknownTableIsRefused) {
  TemporaryDirectory directory;
  ASSERT_TRUE(open_rocksdb({.path = directory / "store"}));
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  std::vector<std::string> names;
  ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, directory / "store", &names).ok());
  names.emplace_back("stranger");
  families.reserve(names.size());
  for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  rocksdb::DBOptions options;
  options.create_missing_column_families = true;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, directory / "store", families, &handles, &db).ok());
  for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
  delete db;
  EXPECT_THAT(open_failure(directory / "store"), HasSubstr("a table 'stranger' that this program does not know"));
}

TEST(RocksdbOpen, AnInterruptedCreationIsFinished) {
  TemporaryDirectory directory;
  write_file(directory / "FORMAT.tmp", "martl");
  EXPECT_TRUE(open_rocksdb({.path = directory.path()}));
  TemporaryDirectory second;
  write_file(second / "FORMAT", "martlet-store 1\n");
  EXPECT_TRUE(open_rocksdb({.path = second.path()}));
}

TEST(RocksdbOpen, ReadOnlySeesAllAndChangesNothing) {
  TemporaryDirectory directory;
  EXPECT_FALSE(open_rocksdb_read_only({.path = directory / "store"}));
  EXPECT_FALSE(std::filesystem::exists(directory / "store"));
  auto backend = open_rocksdb({.path = directory / "store"});
  ASSERT_TRUE(backend);
  const auto store = Store::stepped(std::move(*backend), {});
  for (const char* text : {"a", "b", "c"}) store->writer().append(as_bytes(text));
  store->writer().put(Table::wills, as_bytes("k"), as_bytes("v"));
  store->writer().trim(2);
  store->writer().submit();
  ASSERT_TRUE(store->step());
  const auto reader = open_rocksdb_read_only({.path = directory / "store"});
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ((*reader)->first(), 2u);
  EXPECT_THAT(log_of(**reader), ElementsAre(Pair(2, "b"), Pair(3, "c")));
  EXPECT_THAT(pairs_of(**reader, Table::wills), ElementsAre(Pair("k", "v")));
  store->writer().append(as_bytes("d"));
  store->writer().submit();
  EXPECT_TRUE(store->step());
}

}  // namespace
}  // namespace martlet::store::testing
