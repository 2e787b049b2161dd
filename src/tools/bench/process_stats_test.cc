#include "tools/bench/process_stats.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "env/posix/system.h"

namespace martlet::tools::bench {
namespace {

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

TEST(ProcessSample, CountsTheTimeThatWasUsed) {
  const auto files = env::posix::make_files();
  const auto before = sample_process(*files, ::getpid());
  volatile unsigned work = 0;
  for (unsigned i = 0; i < 1'000'000; ++i) work = work + i;
  const auto after = sample_process(*files, ::getpid());
  ASSERT_TRUE(before && after);
  EXPECT_GT(after->cpu_s, before->cpu_s);
}

}  // namespace
}  // namespace martlet::tools::bench
