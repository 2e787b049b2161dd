#include "tools/bench/pacing.h"

#include <gtest/gtest.h>

#include <set>

namespace martlet::tools::bench {
namespace {

TEST(Pacing, SpreadsTheMessagesOfAllPublishersEvenly) {
  const Pacing pacing(1000, 4, 5'000);
  std::set<std::uint64_t> due;
  for (std::uint32_t publisher = 0; publisher < 4; ++publisher) {
    for (std::uint64_t sequence = 0; sequence < 3; ++sequence) due.insert(pacing.due_ns(publisher, sequence));
  }
  ASSERT_EQ(due.size(), 12u);
  std::uint64_t expected = 5'000;
  for (const std::uint64_t at : due) {
    EXPECT_EQ(at, expected);
    expected += 1'000'000;
  }
}

TEST(Pacing, DoesNotDriftOverADay) {
  const Pacing pacing(30'000, 1, 0);
  EXPECT_NEAR(static_cast<double>(pacing.due_ns(0, 30'000ull * 86'400)), 86'400e9, 1'000);
}

TEST(Pacing, TakesRatesBelowOneMessageASecond) {
  EXPECT_EQ(Pacing(0.5, 1, 0).due_ns(0, 3), 6'000'000'000u);
}

}  // namespace
}  // namespace martlet::tools::bench
