#include "client/backoff.h"

#include <gtest/gtest.h>

#include <set>

namespace martlet::client {
namespace {

TEST(Backoff, DoublesUpToTheLongestWithinItsJitter) {
  Backoff backoff({.first_ms = 100, .longest_ms = 1'000}, 1);
  for (const std::int64_t whole : {100, 200, 400, 800, 1'000, 1'000, 1'000}) {
    const std::int64_t delay = backoff.next_ms();
    EXPECT_GE(delay, whole / 2);
    EXPECT_LE(delay, whole);
  }
}

TEST(Backoff, BeginsAnewAfterAConnection) {
  Backoff backoff({.first_ms = 100, .longest_ms = 100'000}, 1);
  for (int i = 0; i < 8; ++i) backoff.next_ms();
  backoff.reset();
  EXPECT_LE(backoff.next_ms(), 100);
}

TEST(Backoff, ClientsWithDifferentSeedsComeAtDifferentTimes) {
  std::set<std::int64_t> delays;
  for (std::uint64_t seed = 0; seed < 20; ++seed) delays.insert(Backoff({100'000, 100'000}, seed).next_ms());
  EXPECT_GT(delays.size(), 15u);
}

TEST(Backoff, ManyFailuresDoNotOverflow) {
  Backoff backoff({.first_ms = 1, .longest_ms = 60'000}, 1);
  for (int i = 0; i < 1000; ++i) {
    const std::int64_t delay = backoff.next_ms();
    EXPECT_GE(delay, 0);
    EXPECT_LE(delay, 60'000);
  }
}

}  // namespace
}  // namespace martlet::client
