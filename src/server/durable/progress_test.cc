#include "server/durable/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/testing/kept_log.h"
#include "server/testing/memory_files.h"

namespace martlet::server {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

struct ManualClock final : env::Clock {
  Now now() override { return time; }
  Now time{1'000, 0};
};

TEST(RecoveryProgress, LogsEveryFiveSeconds) {
  ManualClock clock;
  MemoryFiles files;
  KeptLog log;
  RecoveryProgress progress(clock, files, log, false);
  progress.show(1, 10);
  clock.time.mono_ms += 4'999;
  progress.show(2, 10);
  EXPECT_THAT(log.lines, IsEmpty()) << "a short start says nothing";
  clock.time.mono_ms += 1;
  progress.show(3, 10);
  progress.show(4, 10);
  EXPECT_THAT(log.lines, ElementsAre("reads the log: 3 of 10 records, 30 %"));
  EXPECT_EQ(files.streams[env::Handle::standard_error], "");
}

TEST(RecoveryProgress, ATerminalHasOneLineThatGoesAtTheEnd) {
  ManualClock clock;
  MemoryFiles files;
  KeptLog log;
  {
    RecoveryProgress progress(clock, files, log, true);
    progress.show(5, 10);
    EXPECT_THAT(files.streams[env::Handle::standard_error], HasSubstr("5 of 10 records, 50 %"));
  }
  EXPECT_THAT(files.streams[env::Handle::standard_error], EndsWith("\r\x1b[K"));
  EXPECT_THAT(log.lines, IsEmpty());
}

}  // namespace
}  // namespace martlet::server
