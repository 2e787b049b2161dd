#include "server/log_writer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "server/testing/blocked_files.h"

namespace martlet::server {
namespace {

// Only a broken writer lets a test wait that long.
constexpr int kPatienceMs = 60'000;

TEST(LogWriter, WritesInOrder) {
  MemoryFiles files;
  {
    LogWriter writer(files, {.stop_ms = kPatienceMs});
    EXPECT_TRUE(writer.add("one\n"));
    EXPECT_TRUE(writer.add_dump("two\nthree\n"));
    writer.add_always("four\n");
  }
  EXPECT_EQ(files.streams[env::Handle::standard_error], "one\ntwo\nthree\nfour\n");
}

TEST(LogWriter, NobodyWaitsForAStuckWrite) {
  BlockedFiles files;
  LogWriter writer(files, {.waiting_bytes = 8, .stop_ms = kPatienceMs});
  EXPECT_TRUE(writer.add("abc\n"));
  files.wait_until_stuck();
  EXPECT_FALSE(writer.flush(0));
  // What is being written counts too.
  EXPECT_TRUE(writer.add("def\n"));
  EXPECT_FALSE(writer.add("\n"));
  EXPECT_EQ(files.written(), "");
  files.release();
  EXPECT_TRUE(writer.flush(kPatienceMs));
  EXPECT_EQ(files.written(), "abc\ndef\n");
  EXPECT_TRUE(writer.add("12345678"));
}

TEST(LogWriter, ADumpHasABoundOfItsOwn) {
  BlockedFiles files;
  LogWriter writer(files, {.waiting_bytes = 4, .dump_bytes = 6, .stop_ms = kPatienceMs});
  EXPECT_TRUE(writer.add("abc\n"));
  EXPECT_FALSE(writer.add_dump("1234567"));
  EXPECT_TRUE(writer.add_dump("12345\n"));
  EXPECT_FALSE(writer.add_dump("1\n"));
  files.release();
  EXPECT_TRUE(writer.flush(kPatienceMs));
  EXPECT_TRUE(writer.add_dump("1\n"));
  EXPECT_TRUE(writer.flush(kPatienceMs));
  EXPECT_EQ(files.written(), "abc\n12345\n1\n");
}

TEST(LogWriter, EndsThoughAWriteIsStuckAndWritesNothingAfterIt) {
  // Shared with the thread's end as far as a process's standard error is: never destroyed before.
  BlockedFiles files;
  {
    LogWriter writer(files, {.stop_ms = 1});
    EXPECT_TRUE(writer.add("stuck\n"));
    files.wait_until_stuck();
    EXPECT_TRUE(writer.add("waits\n"));
  }
  EXPECT_EQ(files.written(), "");
  files.release();
  files.wait_until_through();
  EXPECT_EQ(files.written(), "stuck\n");
}

}  // namespace
}  // namespace martlet::server
