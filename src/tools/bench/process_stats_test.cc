#include "tools/bench/process_stats.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "env/posix/system.h"

namespace martlet::tools::bench {
namespace {

TEST(ProcessStat, IsReadBehindAnyProgramName) {
  EXPECT_EQ(parse_stat("12 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 150 0 0 20 0 1"), 4.0);
}

TEST(ProcessStat, IsRefusedWhenCut) {
  EXPECT_FALSE(parse_stat("12 (name) S 1 2 3"));
  EXPECT_FALSE(parse_stat(""));
}

TEST(ProcessStatus, FindsTheWholeFieldName) {
  constexpr std::string_view kText = "VmRSSx:\t1 kB\nVmHWM:\t   200 kB\nVmRSS:\t   100 kB\n";
  EXPECT_EQ(parse_status(kText, "VmRSS"), 102'400u);
  EXPECT_EQ(parse_status(kText, "VmHWM"), 204'800u);
  EXPECT_FALSE(parse_status(kText, "VmSwap"));
}

TEST(ProcessSample, KnowsThisProcessAndNoOther) {
  const auto files = env::posix::make_files();
  const auto self = sample_process(*files, ::getpid());
  ASSERT_TRUE(self);
  EXPECT_GT(self->rss_bytes, 0u);
  EXPECT_GE(self->peak_rss_bytes, self->rss_bytes);
  EXPECT_FALSE(sample_process(*files, 0x7FFFFFFF));
}

}  // namespace
}  // namespace martlet::tools::bench
