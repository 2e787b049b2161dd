#include "session/backlog.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <deque>
#include <vector>

namespace martlet::session {
namespace {

LoggedDelivery owed(std::uint64_t position, std::uint32_t origin = 0, wire::QoS qos = wire::QoS::at_least_once) {
  return {position, origin, 0, qos, false};
}

std::vector<LoggedDelivery> all(const Backlog& backlog) {
  std::vector<LoggedDelivery> found;
  backlog.for_each([&](const LoggedDelivery& delivery) { found.push_back(delivery); });
  return found;
}

TEST(Backlog, AMillionNeighboursTakeTheMemoryOfOne) {
  Backlog backlog;
  backlog.push_back(owed(1));
  const std::size_t one = backlog.memory_bytes();
  for (std::uint64_t i = 2; i <= 1'000'000; ++i) backlog.push_back(owed(i));
  EXPECT_EQ(backlog.size(), 1'000'000u);
  EXPECT_EQ(backlog.memory_bytes(), one);
}

TEST(Backlog, ScatteredDeliveriesTakeLessThan32BytesEach) {
  Backlog backlog;
  for (std::uint64_t i = 1; i <= 100'000; ++i) backlog.push_back(owed(i * 2));
  EXPECT_LT(backlog.memory_bytes(), 100'000 * 32u);
}

TEST(Backlog, WhatIsPutBackComesFirst) {
  Backlog backlog;
  for (const std::uint64_t position : {10, 11, 12}) backlog.push_back(owed(position));
  backlog.pop_front();
  backlog.pop_front();
  backlog.push_front(owed(11));
  backlog.push_front(owed(5, 7));
  backlog.push_front(owed(4));
  backlog.push_front(owed(3, 9));
  EXPECT_EQ(all(backlog), (std::vector<LoggedDelivery>{owed(3, 9), owed(4), owed(5, 7), owed(11), owed(12)}));
}

TEST(Backlog, DropsWhatLiesBelowAPosition) {
  Backlog backlog;
  for (std::uint64_t i = 1; i <= 10; ++i) backlog.push_back(owed(i, i == 4 ? 1 : 0));
  EXPECT_EQ(backlog.drop_below(6), 5u);
  EXPECT_EQ(backlog.front(), owed(6));
  EXPECT_EQ(backlog.drop_below(6), 0u);
  EXPECT_EQ(backlog.drop_below(100), 5u);
  EXPECT_TRUE(backlog.empty());
  EXPECT_EQ(backlog.memory_bytes(), 0u);
}

RC_GTEST_PROP(BacklogProperty, BehavesLikeAPlainQueue, ()) {
  Backlog backlog;
  std::deque<LoggedDelivery> plain;
  std::uint64_t next = 1000;
  const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 100));
  for (const int step : steps) {
    if (step < 60) {
      next += step < 40 ? 1 : 3;
      const LoggedDelivery delivery = owed(next, step % 7 == 0 ? 1 : 0);
      backlog.push_back(delivery);
      plain.push_back(delivery);
    } else if (step < 80 && !plain.empty()) {
      backlog.pop_front();
      plain.pop_front();
    } else if (step < 90 && (plain.empty() || plain.front().position > 1)) {
      const LoggedDelivery delivery = owed(plain.empty() ? next : plain.front().position - 1, step % 2);
      if (plain.empty()) ++next;
      backlog.push_front(delivery);
      plain.push_front(delivery);
    } else if (step < 95) {
      std::size_t left = static_cast<std::size_t>(step) - 88;
      backlog.remove_if([](const LoggedDelivery& delivery) { return delivery.origin == 1; }, left);
      std::erase_if(plain,
                    [&](const LoggedDelivery& delivery) { return delivery.origin == 1 && left > 0 && left-- > 0; });
    } else if (!plain.empty()) {
      const std::uint64_t position = plain[plain.size() / 2].position;
      backlog.drop_below(position);
      while (!plain.empty() && plain.front().position < position) plain.pop_front();
    }
    RC_ASSERT(backlog.size() == plain.size());
    RC_ASSERT(all(backlog) == std::vector<LoggedDelivery>(plain.begin(), plain.end()));
  }
}

}  // namespace
}  // namespace martlet::session
