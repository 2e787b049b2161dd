#include "topic/interest_table.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/random.h"
#include "topic/filter.h"
#include "topic/testing/random_texts.h"

namespace martlet::topic {
namespace {

std::string repeat(std::string_view text, std::size_t times) {
  std::string all;
  while (times-- > 0) all += text;
  return all;
}

TEST(InterestTable, TellsTheCoresThatHaveAMatchingFilter) {
  InterestTable table(1, 3);
  table.add(0, "a/b");
  table.add(1, "a/+");
  table.add(2, "a/#");
  table.add(2, "+/+/c");
  EXPECT_EQ(table.cores_for("a/b"), 0b111u);
  EXPECT_EQ(table.cores_for("a/x"), 0b110u);
  EXPECT_EQ(table.cores_for("a"), 0b100u);
  EXPECT_EQ(table.cores_for("a/b/c"), 0b100u);
  EXPECT_EQ(table.cores_for("b/b/c"), 0b100u);
  EXPECT_EQ(table.cores_for("b"), 0u);
  EXPECT_EQ(table.cores_for("b/x"), 0u);
  EXPECT_EQ(table.cores_for("a/"), 0b110u);
}

TEST(InterestTable, HidesDollarTopicsFromLeadingWildcards) {  // [MQTT-4.7.2-1]
  InterestTable table(1, 2);
  table.add(0, "#");
  table.add(0, "+/x");
  table.add(1, "$SYS/#");
  EXPECT_EQ(table.cores_for("$SYS/x"), 0b10u);
  EXPECT_EQ(table.cores_for("SYS/x"), 0b01u);
  EXPECT_EQ(table.cores_for("$SYS"), 0b10u);
}

TEST(InterestTable, OneCoreIsAlwaysTold) {
  InterestTable table(1, 1);
  table.add(0, "a");
  table.remove(0, "a");
  EXPECT_EQ(table.cores_for("a"), 1u);
  EXPECT_EQ(table.memory_bytes(0), 0u);
}

TEST(InterestTable, ServesSixtyFourCores) {
  InterestTable table(1, InterestTable::kMostCores);
  for (std::uint32_t core = 0; core < InterestTable::kMostCores; core += 3) table.add(core, "a/+");
  table.add(63, "a/b");
  std::uint64_t expected = 0;
  for (std::uint32_t core = 0; core < InterestTable::kMostCores; core += 3) expected |= std::uint64_t{1} << core;
  EXPECT_EQ(table.cores_for("a/c"), expected);
  table.remove(63, "a/+");
  EXPECT_EQ(table.cores_for("a/c"), expected & ~(std::uint64_t{1} << 63));
  EXPECT_EQ(table.cores_for("a/b"), expected);
}

TEST(InterestTable, CountsEachSubscription) {
  InterestTable table(1, 2);
  for (const std::string_view filter : {"a/b", "a/+", "#"}) {
    table.add(1, filter);
    table.add(1, filter);
    table.remove(1, filter);
    EXPECT_EQ(table.cores_for("a/b"), 0b10u) << filter;
    table.remove(1, filter);
    EXPECT_EQ(table.cores_for("a/b"), 0u) << filter;
  }
}

// One filter per shape, of which there are more than slots.
std::string filter_of_shape(std::size_t number) {
  std::string filter = "s";
  for (int bit = 0; bit < 7; ++bit) filter += (number >> bit & 1) != 0 ? "/+" : "/l";
  return filter + "/#";
}

TEST(InterestTable, TellsEverythingToACoreWithTooManyShapes) {
  InterestTable table(1, 3);
  for (std::size_t i = 0; i < InterestTable::kMostShapes; ++i) table.add(0, filter_of_shape(i));
  EXPECT_EQ(table.cores_for("other"), 0u);
  table.add(1, filter_of_shape(3));  // shares the slot of core 0
  EXPECT_EQ(table.cores_for("other"), 0u);
  table.add(2, filter_of_shape(InterestTable::kMostShapes));
  table.add(2, filter_of_shape(InterestTable::kMostShapes) + "x/#");
  EXPECT_EQ(table.cores_for("other"), 0b100u);
  // A slot that falls free is the next one's, not of filters that have done without so far.
  table.remove(0, filter_of_shape(5));
  table.add(2, filter_of_shape(InterestTable::kMostShapes));
  EXPECT_EQ(table.cores_for("other"), 0b100u);
  table.add(1, "+");
  EXPECT_EQ(table.cores_for("other"), 0b110u);
  EXPECT_EQ(table.cores_for("two/levels"), 0b100u);
  table.remove(2, filter_of_shape(InterestTable::kMostShapes));
  table.remove(2, filter_of_shape(InterestTable::kMostShapes));
  EXPECT_EQ(table.cores_for("two/levels"), 0b100u);
  table.remove(2, filter_of_shape(InterestTable::kMostShapes) + "x/#");
  EXPECT_EQ(table.cores_for("two/levels"), 0u);
}

TEST(InterestTable, TellsEverythingToACoreWithDeepWildcards) {
  InterestTable table(1, 2);
  const std::string deep = repeat("a/", kShapeLevels);
  table.add(0, deep + "b");  // no wildcard: no limit
  EXPECT_EQ(table.cores_for("x"), 0u);
  EXPECT_EQ(table.cores_for(deep + "b"), 0b01u);
  EXPECT_EQ(table.cores_for(deep + "c"), 0u);
  table.add(1, deep + "#");  // kShapeLevels and "#"
  EXPECT_EQ(table.cores_for("x"), 0u);
  EXPECT_EQ(table.cores_for(deep + "b/c"), 0b10u);
  EXPECT_EQ(table.cores_for(deep + "b"), 0b11u);
  table.add(1, deep + "+");
  EXPECT_EQ(table.cores_for("x"), 0b10u);
  table.add(1, "+/" + deep + "#");
  table.remove(1, deep + "+");
  EXPECT_EQ(table.cores_for("x"), 0b10u);
  table.remove(1, "+/" + deep + "#");
  EXPECT_EQ(table.cores_for("x"), 0u);
}

using Told = std::vector<std::pair<std::uint32_t, std::string>>;

std::uint64_t truly_matching(const Told& told, std::string_view topic) {
  std::uint64_t cores = 0;
  for (const auto& [core, filter] : told) cores |= matches(filter, topic) ? std::uint64_t{1} << core : 0;
  return cores;
}

RC_GTEST_PROP(InterestTable, MissesNothingAndForgetsWhatIsTakenBack, (std::uint64_t seed)) {
  constexpr std::uint32_t kCores = 3;
  InterestTable table(seed, kCores);
  Told told;
  std::size_t wrong = 0;
  for (int step = *rc::gen::inRange(1, 80); step > 0; --step) {
    if (told.empty() || *rc::gen::inRange(0, 3) != 0) {
      told.emplace_back(*rc::gen::inRange<std::uint32_t>(0, kCores), *any_filter());
      table.add(told.back().first, told.back().second);
    } else {
      const auto at = told.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(told.size()));
      table.remove(at->first, at->second);
      told.erase(at);
    }
    const std::string topic = *any_topic();
    const std::uint64_t truth = truly_matching(told, topic);
    const std::uint64_t answer = table.cores_for(topic);
    RC_ASSERT((answer & truth) == truth);
    wrong += answer != truth ? 1 : 0;
  }
  RC_ASSERT(wrong <= 2);  // with so few filters words are hardly shared
  for (const auto& [core, filter] : told) table.remove(core, filter);
  RC_ASSERT(table.cores_for(*any_topic()) == 0);
}

// All filters and topics over few levels, and deeper ones at random: no miss, and how many answers were for nothing.
TEST(InterestTable, AgreesWithTheReferenceOnAllShortTexts) {
  std::vector<std::string> filters = {"#", "+", "a", "b", "$a", ""};
  std::vector<std::string> topics = {"a", "b", "$a", ""};
  for (std::size_t i = 0; i < filters.size(); ++i) {
    if (filters[i].ends_with('#') || std::count(filters[i].begin(), filters[i].end(), '/') == 2) continue;
    for (const std::string_view level : {"#", "+", "a", "b", ""})
      filters.push_back(filters[i] + "/" + std::string(level));
  }
  for (std::size_t i = 0; i < topics.size(); ++i) {
    if (std::count(topics[i].begin(), topics[i].end(), '/') == 3) continue;
    for (const std::string_view level : {"a", "b", ""}) topics.push_back(topics[i] + "/" + std::string(level));
  }
  std::size_t wrong = 0;
  std::size_t asked = 0;
  for (const std::string& filter : filters) {
    if (filter.empty()) continue;
    InterestTable table(9, 2);
    table.add(1, filter);
    for (const std::string& topic : topics) {
      if (topic.empty()) continue;
      const bool told = table.cores_for(topic) == 0b10u;
      if (matches(filter, topic)) {
        ASSERT_TRUE(told) << filter << " and " << topic;
      } else {
        wrong += told ? 1 : 0;
      }
      ++asked;
    }
  }
  EXPECT_GT(asked, 10000u);
  EXPECT_LE(wrong, 5u);
}

TEST(InterestTable, ManyFiltersTellFewTopicsForNothing) {
  InterestTable table(7, 2);
  constexpr std::size_t kFilters = 60000;
  for (std::size_t i = 0; i < kFilters; ++i) {
    const std::string plant = "plant/" + std::to_string(i);
    table.add(0, i % 2 == 0 ? plant + "/+/x" : plant + "/sensor");
  }
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < kFilters; ++i) {
    const std::string plant = "plant/" + std::to_string(i);
    ASSERT_EQ(table.cores_for(i % 2 == 0 ? plant + "/a/x" : plant + "/sensor"), 1u);
    wrong += table.cores_for(i % 2 != 0 ? plant + "/a/x" : plant + "/sensor") != 0 ? 1 : 0;
  }
  EXPECT_LT(wrong, kFilters / 100);
}

// For ThreadSanitizer: two cores come and go with the same and with different shapes while others ask.
TEST(InterestTable, NothingIsMissedWhileCoresComeAndGo) {
  InterestTable table(11, 2);
  constexpr std::size_t kRounds = 3000;
  std::atomic<std::size_t> told[2] = {0, 0};
  std::atomic<std::size_t> missed{0};
  const auto filter = [](std::uint32_t core, std::size_t round) {
    return "c" + std::to_string(core) + "/" + std::to_string(round) + (round % 2 == 0 ? "/+/#" : "/x");
  };
  const auto write = [&](std::uint32_t core) {
    for (std::size_t round = 0; round < kRounds; ++round) {
      table.add(core, filter(core, round));
      table.add(core, "+/x/" + filter_of_shape(round % 100));
      told[core].store(round + 1, std::memory_order_release);
      table.remove(core, "+/x/" + filter_of_shape(round % 100));
    }
  };
  const auto ask = [&](std::uint32_t core) {
    for (std::size_t known = 0; known < kRounds;) {
      known = told[core].load(std::memory_order_acquire);
      for (std::size_t back = 1; back <= std::min<std::size_t>(known, 20); ++back) {
        const std::string topic = "c" + std::to_string(core) + "/" + std::to_string(known - back) + "/x";
        if ((table.cores_for(topic) >> core & 1) == 0) missed.fetch_add(1);
      }
    }
  };
  std::vector<std::thread> threads;
  for (const std::uint32_t core : {0u, 1u}) {
    threads.emplace_back(write, core);
    threads.emplace_back(ask, core);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(missed.load(), 0u);
}

}  // namespace
}  // namespace martlet::topic
