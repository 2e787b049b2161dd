#include "topic/handle_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "base/random.h"

namespace martlet::topic {
namespace {

using ::testing::UnorderedElementsAreArray;

std::vector<Handle> all(const HandleSet& set) {
  std::vector<Handle> handles;
  set.for_each([&](Handle handle) { handles.push_back(handle); });
  return handles;
}

TEST(HandleSet, HoldsEachHandleOnce) {
  HandleSet set;
  EXPECT_FALSE(set.contains(5));
  EXPECT_FALSE(set.erase(5));
  EXPECT_EQ(set.memory_bytes(), 0u);
  EXPECT_TRUE(set.insert(5));
  EXPECT_FALSE(set.insert(5));
  EXPECT_TRUE(set.contains(5));
  EXPECT_FALSE(set.contains(6));
  EXPECT_FALSE(set.contains(0));
  EXPECT_FALSE(set.erase(0));
  EXPECT_EQ(set.size(), 1u);
  EXPECT_TRUE(set.erase(5));
  EXPECT_FALSE(set.erase(5));
  EXPECT_EQ(set.memory_bytes(), 0u);
}

TEST(HandleSet, BehavesLikeASetAtRandom) {
  Random random(4);
  HandleSet set;
  std::set<Handle> model;
  for (int step = 0; step < 30000; ++step) {
    // Handles of cells of three units, sometimes of the end of the range; grows for a while, then shrinks.
    const Handle number = static_cast<Handle>(random.below(1500)) * 3 + 1;
    const Handle handle = number % 2 == 0 ? number : ~number;
    if (random.below(10) < (step / 5000 % 2 == 0 ? 7u : 3u)) {
      ASSERT_EQ(set.insert(handle), model.insert(handle).second);
    } else {
      ASSERT_EQ(set.erase(handle), model.erase(handle) == 1);
    }
    ASSERT_EQ(set.size(), model.size());
    if (step % 500 == 0) {
      ASSERT_THAT(all(set), UnorderedElementsAreArray(model));
    }
  }
  for (const Handle handle : model) EXPECT_TRUE(set.erase(handle));
  EXPECT_EQ(set.memory_bytes(), 0u);
}

TEST(HandleSet, TakesFewBytes) {
  HandleSet set;
  constexpr std::size_t kCount = 100000;
  for (Handle i = 1; i <= kCount; ++i) set.insert(i * 7);
  EXPECT_LT(set.memory_bytes(), kCount * 11);
  for (Handle i = 1; i < kCount; ++i) set.erase(i * 7);
  EXPECT_LE(set.memory_bytes(), 64u);
}

}  // namespace
}  // namespace martlet::topic
