#include "base/ring_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>

#include "base/random.h"

namespace martlet {
namespace {

using ::testing::ElementsAre;

std::deque<int> contents(const RingQueue<int>& queue) {
  std::deque<int> all;
  for (std::size_t i = 0; i < queue.size(); ++i) all.push_back(queue[i]);
  return all;
}

TEST(RingQueue, BehavesLikeADequeUnderRandomUse) {
  RingQueue<int> queue;
  std::deque<int> model;
  Random random(42);
  for (int i = 0; i < 20'000; ++i) {
    // Alternating between growing and shrinking, so that it is full, empty and wrapped.
    const bool push = model.empty() || random.below(10) < ((i / 500) % 2 == 0 ? 7u : 3u);
    if (push) {
      queue.push_back(i);
      model.push_back(i);
    } else if (random.below(20) == 0) {
      std::deque<int> taken;
      const auto odd = [](int value) { return value % 2 != 0; };
      queue.extract_if(odd, [&](int value) { taken.push_back(value); });
      std::deque<int> expected;
      std::erase_if(model, [&](int value) {
        if (odd(value)) expected.push_back(value);
        return odd(value);
      });
      ASSERT_EQ(taken, expected);
    } else {
      ASSERT_EQ(queue.pop_front(), model.front());
      model.pop_front();
    }
    ASSERT_EQ(queue.size(), model.size());
    ASSERT_EQ(queue.empty(), model.empty());
    if (i % 100 == 0) {
      ASSERT_EQ(contents(queue), model);
    }
  }
}

TEST(RingQueue, ExtractKeepsTheOrderAcrossTheEndOfTheArray) {
  RingQueue<int> queue;
  for (int i = 0; i < 4; ++i) queue.push_back(i);
  for (int i = 4; i < 7; ++i) {
    queue.pop_front();
    queue.push_back(i);
  }
  std::deque<int> taken;
  queue.extract_if([](int value) { return value == 4 || value == 6; }, [&](int value) { taken.push_back(value); });
  EXPECT_THAT(taken, ElementsAre(4, 6));
  EXPECT_THAT(contents(queue), ElementsAre(3, 5));
  queue.push_back(9);
  EXPECT_THAT(contents(queue), ElementsAre(3, 5, 9));
}

TEST(RingQueue, LetsGoOfWhatItHeld) {
  const auto watched = std::make_shared<int>(1);
  RingQueue<std::shared_ptr<int>> queue;
  for (int i = 0; i < 10; ++i) queue.push_back(watched);
  queue.pop_front();
  EXPECT_EQ(watched.use_count(), 10);
  queue.extract_if([](const auto&) { return true; }, [](std::shared_ptr<int>) {});
  EXPECT_EQ(watched.use_count(), 1);
  queue.push_back(watched);
  queue.clear();
  EXPECT_EQ(watched.use_count(), 1);
}

TEST(RingQueueDeathTest, PoppingAnEmptyQueueIsABug) {
  RingQueue<int> queue;
  EXPECT_DEATH(queue.pop_front(), "holds something");
}

}  // namespace
}  // namespace martlet
