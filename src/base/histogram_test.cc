#include "base/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.h"

namespace martlet {
namespace {

TEST(Histogram, EmptyAnswersZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), 0u);
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.count_up_to(1000), 0u);
}

TEST(Histogram, SmallValuesAreExact) {
  Histogram histogram;
  for (std::uint64_t value = 0; value < 16; ++value) histogram.record(value);
  EXPECT_EQ(histogram.quantile(0), 0u);
  EXPECT_EQ(histogram.quantile(0.5), 7u);
  EXPECT_EQ(histogram.quantile(1), 15u);
  EXPECT_EQ(histogram.sum(), 120u);
  EXPECT_EQ(histogram.count_up_to(3), 4u);
}

TEST(Histogram, QuantilesAreWithinASixteenth) {
  Histogram histogram;
  std::vector<std::uint64_t> values;
  Random random(1);
  for (int i = 0; i < 20000; ++i) {
    values.push_back(random.next() >> (25 + random.below(38)));
    histogram.record(values.back());
  }
  std::ranges::sort(values);
  for (const double share : {0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::max(1.0, std::floor(share * 20000 + 0.5)));
    const std::uint64_t exact = values[rank - 1];
    EXPECT_GE(histogram.quantile(share), exact) << share;
    EXPECT_LE(histogram.quantile(share), exact + exact / 16 + 1) << share;
  }
  EXPECT_EQ(histogram.count(), 20000u);
  EXPECT_EQ(histogram.max(), values.back());
}

TEST(Histogram, ValuesBeyondTheLimitCountInTheLastBucket) {
  Histogram histogram;
  histogram.record(~std::uint64_t{0});
  histogram.record(1);
  EXPECT_EQ(histogram.max(), ~std::uint64_t{0});
  EXPECT_EQ(histogram.quantile(1), Histogram::kValueLimit - 1);
  EXPECT_EQ(histogram.count_up_to(Histogram::kValueLimit), 2u);
}

}  // namespace
}  // namespace martlet
