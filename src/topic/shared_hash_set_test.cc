#include "topic/shared_hash_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>
#include <vector>

#include "base/random.h"

namespace martlet::topic {
namespace {

constexpr std::uint64_t kShared = std::uint64_t{1} << SharedHashSet::kCountBits;  // below that a hash does not count

TEST(SharedHashSet, HoldsWhatWasAddedAsOftenAsItWas) {
  SharedHashSet set;
  EXPECT_FALSE(set.may_hold(7 * kShared));
  set.remove(7 * kShared);
  set.add(7 * kShared);
  set.add(7 * kShared);
  EXPECT_EQ(set.size(), 1u);
  set.remove(7 * kShared);
  EXPECT_TRUE(set.may_hold(7 * kShared));
  set.remove(7 * kShared);
  EXPECT_FALSE(set.may_hold(7 * kShared));
  EXPECT_EQ(set.size(), 0u);
  set.remove(7 * kShared);
  EXPECT_EQ(set.size(), 0u);
}

TEST(SharedHashSet, TakesBackOnlyBitsThatNobodyElseHas) {
  SharedHashSet set;
  // The same word and, but for one, the same bits.
  const std::uint64_t one = (1 | 2 << 6 | 3 << 12 | 4 << 18) * kShared;
  const std::uint64_t other = (1 | 2 << 6 | 3 << 12 | 5 << 18) * kShared;
  const std::uint64_t both = (1 | 2 << 6 | 4 << 12 | 5 << 18) * kShared;
  set.add(one);
  set.add(other);
  EXPECT_TRUE(set.may_hold(both));
  set.remove(one);
  EXPECT_TRUE(set.may_hold(other));
  EXPECT_FALSE(set.may_hold(one));
  EXPECT_FALSE(set.may_hold(both));
}

TEST(SharedHashSet, ACountThatIsFullStays) {
  SharedHashSet set;
  for (std::uint64_t i = 0; i < SharedHashSet::kMostCounted; ++i) set.add(kShared);
  for (std::uint64_t i = 0; i < SharedHashSet::kMostCounted; ++i) set.remove(kShared);
  EXPECT_TRUE(set.may_hold(kShared));

  for (std::uint64_t i = 0; i + 1 < SharedHashSet::kMostCounted; ++i) set.add(2 * kShared);
  for (std::uint64_t i = 0; i + 1 < SharedHashSet::kMostCounted; ++i) set.remove(2 * kShared);
  EXPECT_FALSE(set.may_hold(2 * kShared));
}

TEST(SharedHashSet, MissesNothingAndForgetsEverythingAtRandom) {
  Random random(3);
  SharedHashSet set;
  std::map<std::uint64_t, int> model;
  // Few different ones in the upper bits, so that words and clusters are shared and wrap around.
  const auto any = [&] { return (random.below(300) << 40 | random.below(8)) * kShared; };
  for (int step = 0; step < 40000; ++step) {
    // Grows for a while, then shrinks.
    if (random.below(10) < (step / 8000 % 2 == 0 ? 7u : 3u)) {
      const std::uint64_t hash = any();
      set.add(hash);
      ++model[hash];
    } else if (!model.empty()) {
      auto at = model.lower_bound(any());
      if (at == model.end()) at = model.begin();
      set.remove(at->first);
      if (--at->second == 0) model.erase(at);
    }
    ASSERT_EQ(set.size(), model.size());
    if (step % 97 != 0) continue;
    for (const auto& [hash, count] : model) ASSERT_TRUE(set.may_hold(hash));
  }
  for (const auto& [hash, count] : model) {
    for (int i = 0; i < count; ++i) set.remove(hash);
  }
  EXPECT_EQ(set.size(), 0u);
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(set.may_hold(any()));
}

// At its fullest, just before it grows, and at its emptiest.
TEST(SharedHashSet, FewStrangersPass) {
  constexpr std::size_t kFullest = std::size_t{1} << 17;
  Random random(5);
  SharedHashSet set;
  const auto strangers = [&] {
    int passed = 0;
    for (int i = 0; i < 100000; ++i) passed += set.may_hold(random.next()) ? 1 : 0;
    return passed;
  };
  for (std::size_t i = 0; i < kFullest * 3 / 4; ++i) set.add(random.next());
  EXPECT_LT(strangers(), 450);
  EXPECT_LT(set.memory_bytes() / set.size(), 17u);
  set.add(random.next());
  EXPECT_LT(strangers(), 100);
  EXPECT_LT(set.memory_bytes() / set.size(), 33u);
}

// For ThreadSanitizer, and that a reader misses nothing while the writer adds, removes and grows.
TEST(SharedHashSet, ReadersMissNothingWhileItChanges) {
  constexpr std::uint64_t kCount = 20000;
  const auto hash = [](std::uint64_t i) { return i * 0x9E3779B97F4A7C15ull; };
  SharedHashSet set;
  std::atomic<std::uint64_t> added{0};
  std::atomic<std::uint64_t> missed{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      std::uint64_t known = 0;
      while (known < kCount) {
        known = added.load(std::memory_order_acquire);
        for (std::uint64_t back = 1; back <= std::min<std::uint64_t>(known, 50); ++back) {
          if (!set.may_hold(hash(known - back) | 1)) missed.fetch_add(1);
        }
      }
    });
  }
  for (std::uint64_t i = 0; i < kCount; ++i) {
    set.add(hash(i) | 1);
    set.add(hash(i + kCount));
    added.store(i + 1, std::memory_order_release);
    set.remove(hash(i + kCount));
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(missed.load(), 0u);
}

}  // namespace
}  // namespace martlet::topic
