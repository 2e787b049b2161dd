#include "base/histogram.h"

#include <gtest/gtest.h>

namespace martlet {
namespace {

TEST(Histogram, IsEmptyAtFirst) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.quantile(0.5), 0u);
  EXPECT_EQ(histogram.max(), 0u);
}

TEST(Histogram, KeepsSmallValuesExactly) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 10; ++value) histogram.record(value);
  EXPECT_EQ(histogram.quantile(0.1), 1u);
  EXPECT_EQ(histogram.quantile(0.5), 5u);
  EXPECT_EQ(histogram.quantile(1), 10u);
  EXPECT_EQ(histogram.sum(), 55u);
}

TEST(Histogram, IsOffByASixteenthAtMost) {
  for (std::uint64_t value = 17; value < Histogram::kValueLimit / 3; value = value * 3 + 1) {
    Histogram histogram;
    histogram.record(value);
    histogram.record(value * 3);  // so that the first one's bucket is not cut at the largest value
    const std::uint64_t half = histogram.quantile(0.5);
    EXPECT_GE(half, value);
    EXPECT_LE(half, value + value / 16);
  }
}

TEST(Histogram, CountsWhatIsTooLargeInTheLastBucket) {
  Histogram histogram;
  histogram.record(Histogram::kValueLimit * 5);
  EXPECT_EQ(histogram.count(), 1u);
  EXPECT_EQ(histogram.max(), Histogram::kValueLimit * 5);
  EXPECT_GE(histogram.quantile(1), Histogram::kValueLimit - 1);
}

TEST(Histogram, AddsUpAsIfRecordedInOne) {
  Histogram one, other, both;
  for (std::uint64_t i = 1; i < 1'000; ++i) {
    (i % 3 == 0 ? one : other).record(i * i);
    both.record(i * i);
  }
  one.add(other);
  EXPECT_EQ(one.count(), both.count());
  EXPECT_EQ(one.sum(), both.sum());
  EXPECT_EQ(one.max(), both.max());
  for (const double share : {0.01, 0.5, 0.9, 0.999}) EXPECT_EQ(one.quantile(share), both.quantile(share));
}

TEST(Histogram, CountsUpToABound) {
  Histogram histogram;
  for (const std::uint64_t value : {3u, 9u, 1'000u}) histogram.record(value);
  EXPECT_EQ(histogram.count_up_to(2), 0u);
  EXPECT_EQ(histogram.count_up_to(9), 2u);
  EXPECT_EQ(histogram.count_up_to(5'000), 3u);
}

}  // namespace
}  // namespace martlet
