#include "broker/durability_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace martlet::broker {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

TEST(DurabilityPolicy, TheFirstRuleThatMatchesRules) {
  DurabilityOptions options;
  EXPECT_EQ(level_of(options, "a"), Durability::fsync);
  options.rules = {{"telemetry/+/raw", Durability::memory},
                   {"telemetry/#", Durability::interval},
                   {"telemetry/alarm", Durability::fsync}};
  EXPECT_EQ(level_of(options, "telemetry/1/raw"), Durability::memory);
  EXPECT_EQ(level_of(options, "telemetry"), Durability::interval);
  EXPECT_EQ(level_of(options, "telemetry/alarm"), Durability::interval) << "the second rule is before the third";
  EXPECT_EQ(level_of(options, "orders"), Durability::fsync);
}

TEST(DurabilityPolicy, WildcardsDoNotReachBelowADollar) {
  DurabilityOptions options;
  options.rules = {{"#", Durability::memory}};
  EXPECT_EQ(level_of(options, "$x/a"), Durability::fsync);
  EXPECT_EQ(level_of(options, "x/a"), Durability::memory);
}

TEST(DurabilityPolicy, SessionsAreKeptAtTheSurestLevel) {
  DurabilityOptions options;
  options.rules = {{"a", Durability::memory}};
  EXPECT_EQ(surest_level(options), Durability::fsync);
  options.level = Durability::memory;
  EXPECT_EQ(surest_level(options), Durability::memory);
  options.rules.push_back({"b", Durability::interval});
  EXPECT_EQ(surest_level(options), Durability::interval);
}

TEST(DurabilityPolicy, IsAnnouncedInOrder) {
  DurabilityOptions options;
  EXPECT_THAT(announcement(options, true), ElementsAre("fsync"));
  options.level = Durability::interval;
  options.sync_interval_ms = 250;
  options.rules = {{"b/#", Durability::memory}, {"a", Durability::fsync}};
  EXPECT_THAT(announcement(options, true), ElementsAre("interval 250 ms", "memory b/#", "fsync a"));
  EXPECT_THAT(announcement(options, false), ElementsAre("memory"));
  options.rules.assign(100, {"x", Durability::interval});
  EXPECT_THAT(announcement(options, true), SizeIs(1 + kMostAnnouncedRules));
}

}  // namespace
}  // namespace martlet::broker
