#include "auth/expiring_cache.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace martlet::auth {
namespace {

using Cache = ExpiringCache<std::string>;
constexpr std::size_t kRoomy = 1 << 20;

TEST(ExpiringCache, GivesWhatWasPutUntilItsTimeIsOver) {
  Cache cache(10, kRoomy, 1);
  cache.put("a", "1", 1, 100);
  EXPECT_EQ(cache.find("a", 99), "1");
  EXPECT_EQ(cache.find("b", 99), std::nullopt);
  EXPECT_EQ(cache.find("a", 100), std::nullopt);
  EXPECT_EQ(cache.size(), 0u);
}

TEST(ExpiringCache, ReplacesAKey) {
  Cache cache(10, kRoomy, 1);
  cache.put("a", "1", 1, 100);
  cache.put("a", "2", 1, 200);
  EXPECT_EQ(cache.find("a", 150), "2");
  EXPECT_EQ(cache.size(), 1u);
}

TEST(ExpiringCache, TheLeastRecentlyUsedMakesRoom) {
  Cache cache(3, kRoomy, 1);
  for (const char* key : {"a", "b", "c"}) cache.put(key, key, 1, 100);
  ASSERT_EQ(cache.find("a", 0), "a");
  cache.put("d", "d", 1, 100);
  EXPECT_EQ(cache.find("b", 0), std::nullopt);
  EXPECT_EQ(cache.find("a", 0), "a");
  EXPECT_EQ(cache.size(), 3u);
}

TEST(ExpiringCache, BytesAreBoundedToo) {
  Cache cache(1'000, 10'000, 1);
  for (int i = 0; i < 100; ++i) cache.put(std::to_string(i), std::string(900, 'x'), 900, 100);
  EXPECT_LE(cache.size(), 11u);
  EXPECT_TRUE(cache.find("99", 0));
  cache.put("huge", std::string(20'000, 'x'), 20'000, 100);
  EXPECT_FALSE(cache.find("huge", 0));
  EXPECT_TRUE(cache.find("99", 0));
}

TEST(ExpiringCache, ManyThreads) {
  Cache cache(50, kRoomy, 1);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, t] {
      for (int i = 0; i < 2'000; ++i) {
        const std::string key = std::to_string((i * 7 + t) % 100);
        if (const auto value = cache.find(key, 0)) {
          EXPECT_EQ(*value, key);
        }
        cache.put(key, key, 3, 100);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cache.size(), 50u);
}

}  // namespace
}  // namespace martlet::auth
