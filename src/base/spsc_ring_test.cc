#include "base/spsc_ring.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace martlet {
namespace {

TEST(SpscRing, ShowsWhatWasPublished) {
  SpscRing<int> ring(4);
  int value = 7;
  EXPECT_TRUE(ring.push(value));
  EXPECT_EQ(ring.front(), nullptr);
  EXPECT_TRUE(ring.empty());
  ring.publish();
  EXPECT_FALSE(ring.empty());
  ASSERT_NE(ring.front(), nullptr);
  EXPECT_EQ(*ring.front(), 7);
  ring.pop();
  EXPECT_EQ(ring.front(), nullptr);
}

TEST(SpscRing, AFullRingTakesNothing) {
  SpscRing<std::unique_ptr<int>> ring(2);
  for (int i = 0; i < 2; ++i) {
    auto value = std::make_unique<int>(i);
    EXPECT_TRUE(ring.push(value));
  }
  auto third = std::make_unique<int>(2);
  EXPECT_FALSE(ring.push(third));
  EXPECT_NE(third, nullptr);
  ring.publish();
  EXPECT_EQ(**ring.front(), 0);
  ring.pop();
  EXPECT_TRUE(ring.push(third));
}

TEST(SpscRing, CarriesAllInOrderBetweenThreads) {
  constexpr std::size_t kValues = 200'000;
  SpscRing<std::unique_ptr<std::size_t>> ring(64);
  std::thread producer([&] {
    for (std::size_t i = 0; i < kValues; ++i) {
      auto value = std::make_unique<std::size_t>(i);
      while (!ring.push(value)) {
        ring.publish();
        std::this_thread::yield();
      }
      if (i % 3 == 0) ring.publish();
    }
    ring.publish();
  });
  std::size_t next = 0;
  while (next < kValues) {
    if (auto* value = ring.front()) {
      ASSERT_EQ(**value, next++);
      ring.pop();
    } else {
      std::this_thread::yield();
    }
  }
  producer.join();
  EXPECT_TRUE(ring.empty());
}

}  // namespace
}  // namespace martlet
