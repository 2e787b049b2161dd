#include "tools/bench/accounting.h"

#include <gtest/gtest.h>

namespace martlet::tools::bench {
namespace {

TEST(SequenceTracker, FindsNothingWrongWithRightOrder) {
  SequenceTracker tracker;
  Faults faults;
  for (std::uint64_t i = 0; i < 100; ++i) EXPECT_TRUE(tracker.note(i, faults));
  EXPECT_EQ(faults, Faults{});
  EXPECT_EQ(tracker.missing(100), 0u);
  EXPECT_EQ(tracker.missing(103), 3u);
}

TEST(SequenceTracker, CountsGapsAsMissingUntilTheyAreFilled) {
  SequenceTracker tracker;
  Faults faults;
  EXPECT_TRUE(tracker.note(0, faults));
  EXPECT_TRUE(tracker.note(4, faults));
  EXPECT_EQ(tracker.missing(5), 3u);
  EXPECT_EQ(faults, Faults{});
  EXPECT_TRUE(tracker.note(2, faults));
  EXPECT_EQ(tracker.missing(5), 2u);
  EXPECT_EQ(faults.reordered, 1u);
  EXPECT_EQ(faults.duplicated, 0u);
}

TEST(SequenceTracker, TellsDoubledFromLate) {
  SequenceTracker tracker;
  Faults faults;
  for (const std::uint64_t sequence : {0u, 1u, 3u, 2u}) EXPECT_TRUE(tracker.note(sequence, faults));
  EXPECT_FALSE(tracker.note(2, faults));
  EXPECT_FALSE(tracker.note(3, faults));
  EXPECT_EQ(faults.duplicated, 2u);
  EXPECT_EQ(faults.reordered, 1u);
  EXPECT_EQ(tracker.missing(4), 0u);
}

TEST(SequenceTracker, CountsAllAsMissingWhenNothingCame) {
  EXPECT_EQ(SequenceTracker().missing(7), 7u);
}

TEST(SharedTracker, TakesAnyOrderOnceEach) {
  SharedTracker tracker;
  Faults faults;
  for (const std::uint64_t sequence : {200u, 0u, 63u, 64u, 1u}) EXPECT_TRUE(tracker.note(sequence, faults));
  EXPECT_FALSE(tracker.note(64, faults));
  EXPECT_EQ(faults.duplicated, 1u);
  EXPECT_EQ(faults.reordered, 0u);
  EXPECT_EQ(tracker.missing(201), 196u);
}

TEST(SharedTracker, MergesThreadsAndFindsWhatBothGot) {
  SharedTracker one, other;
  Faults faults;
  for (const std::uint64_t sequence : {0u, 2u, 5u}) one.note(sequence, faults);
  for (const std::uint64_t sequence : {1u, 5u, 130u}) other.note(sequence, faults);
  one.merge(other, faults);
  EXPECT_EQ(faults.duplicated, 1u);
  EXPECT_EQ(one.missing(131), 131u - 5u);
}

TEST(OrderTracker, AllowsGapsAndFindsSteps) {
  OrderTracker tracker;
  Faults faults;
  for (const std::uint64_t sequence : {0u, 5u, 9u}) tracker.note(sequence, faults);
  EXPECT_EQ(faults.reordered, 0u);
  tracker.note(7, faults);
  EXPECT_EQ(faults.reordered, 1u);
}

}  // namespace
}  // namespace martlet::tools::bench
