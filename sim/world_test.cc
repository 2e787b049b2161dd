// The simulator itself: runs repeat, and planted faults are found.
#include "sim/world.h"

#include <gtest/gtest.h>

#include <string>

namespace martlet::sim {
namespace {

Outcome run(std::uint64_t seed, Plant plant = Plant::none, std::uint32_t steps = 2'000) {
  RunOptions options;
  options.seed = seed;
  options.steps = steps;
  options.plant = plant;
  return World(options).run();
}

// The failure of the first seed that finds the plant, "" if none of so many does. Without it the same seed passes.
std::string find(Plant plant, std::uint64_t seeds) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const Outcome planted = run(seed, plant);
    if (planted.failure.empty()) continue;
    EXPECT_EQ(run(seed).failure, "") << "seed " << seed;
    return planted.failure;
  }
  return {};
}

TEST(World, TheSameSeedIsTheSameRun) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Outcome first = run(seed);
    const Outcome second = run(seed);
    EXPECT_EQ(first.failure, "") << "seed " << seed;
    EXPECT_EQ(first.trace_hash, second.trace_hash) << "seed " << seed;
    EXPECT_NE(first.trace_hash, run(seed + 1'000).trace_hash);
  }
}

TEST(World, AnAcknowledgementBeforeItsTicketIsFound) {
  EXPECT_NE(find(Plant::early_acknowledgement, 200), "");
}

TEST(World, AForgottenReleaseIsFound) {
  EXPECT_NE(find(Plant::forgotten_release, 200), "");
}

TEST(World, ATrimThatGoesTooFarIsFound) {
  EXPECT_NE(find(Plant::greedy_trim, 200), "");
}

}  // namespace
}  // namespace martlet::sim
