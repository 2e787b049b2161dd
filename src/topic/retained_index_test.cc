#include "topic/retained_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "topic/filter.h"
#include "topic/levels.h"
#include "topic/testing/random_texts.h"

namespace martlet::topic {
namespace {

using ::testing::ElementsAre;

using Index = RetainedIndex<int>;

std::vector<std::string> visited(const Index& index, std::string_view filter, std::string_view after = {}) {
  std::vector<std::string> topics;
  EXPECT_TRUE(index.visit(filter, after, [&](std::string_view topic, const int&) {
    topics.emplace_back(topic);
    return true;
  }));
  return topics;
}

Index& fill(Index& index, std::initializer_list<std::string_view> topics) {
  int value = 0;
  for (const std::string_view topic : topics) index.put(topic, ++value);
  return index;
}

TEST(RetainedIndex, StoresReplacesAndErases) {
  RetainedIndex<std::unique_ptr<std::string>> index;
  EXPECT_EQ(index.put("a/b", std::make_unique<std::string>("one")), std::nullopt);
  const auto replaced = index.put("a/b", std::make_unique<std::string>("two"));
  ASSERT_TRUE(replaced.has_value());
  EXPECT_EQ(**replaced, "one");
  EXPECT_EQ(index.size(), 1u);
  ASSERT_NE(index.find("a/b"), nullptr);
  EXPECT_EQ(**index.find("a/b"), "two");
  EXPECT_EQ(index.find("a"), nullptr);
  EXPECT_EQ(index.erase("a"), std::nullopt);
  const auto erased = index.erase("a/b");
  ASSERT_TRUE(erased.has_value());
  EXPECT_EQ(**erased, "two");
  EXPECT_TRUE(index.empty());
  index.put("left/to/the/destructor", std::make_unique<std::string>("three"));
}

TEST(RetainedIndex, VisitsInLevelOrder) {
  Index index;
  fill(index, {"b", "a/b", "a", "a-b", "a/b/c", "a/", "/", "ab", "$S/x", "a//x"});
  EXPECT_THAT(visited(index, "#"), ElementsAre("/", "a", "a/", "a//x", "a/b", "a/b/c", "a-b", "ab", "b"));
  EXPECT_THAT(visited(index, "+"), ElementsAre("a", "a-b", "ab", "b"));
  EXPECT_THAT(visited(index, "a/#"), ElementsAre("a", "a/", "a//x", "a/b", "a/b/c"));
  EXPECT_THAT(visited(index, "a/+"), ElementsAre("a/", "a/b"));
  EXPECT_THAT(visited(index, "a/b"), ElementsAre("a/b"));
  EXPECT_THAT(visited(index, "+/+/#"), ElementsAre("/", "a/", "a//x", "a/b", "a/b/c"));
  EXPECT_THAT(visited(index, "x/#"), ElementsAre());
}

TEST(RetainedIndex, HidesDollarTopicsFromLeadingWildcards) {  // [MQTT-4.7.2-1]
  Index index;
  fill(index, {"!", "$", "$S/x", "$T", "%", "a/$x"});
  EXPECT_THAT(visited(index, "#"), ElementsAre("!", "%", "a/$x"));
  EXPECT_THAT(visited(index, "#", "!"), ElementsAre("%", "a/$x"));
  EXPECT_THAT(visited(index, "#", "$S/x"), ElementsAre("%", "a/$x"));
  EXPECT_THAT(visited(index, "+/x"), ElementsAre());
  EXPECT_THAT(visited(index, "$S/#"), ElementsAre("$S/x"));
  std::vector<std::string> all;
  index.visit_all("!", [&](std::string_view topic, const int&) {
    all.emplace_back(topic);
    return true;
  });
  EXPECT_THAT(all, ElementsAre("$", "$S/x", "$T", "%", "a/$x"));
}

TEST(RetainedIndex, StopsAndGoesOnBehindTopicsThatAreGone) {
  Index index;
  fill(index, {"a/1", "a/2", "a/3", "b/2"});
  std::string last;
  EXPECT_FALSE(index.visit("+/+", [&](std::string_view topic, const int& value) {
    last = topic;
    return value < 2;
  }));
  EXPECT_EQ(last, "a/2");
  index.erase("a/2");
  index.put("a/10", 9);
  EXPECT_THAT(visited(index, "+/+", last), ElementsAre("a/3", "b/2"));
  index.erase("a/3");
  index.erase("a/1");
  index.erase("a/10");
  EXPECT_THAT(visited(index, "+/+", last), ElementsAre("b/2"));
}

TEST(RetainedIndex, ErasePrunesEmptyLevels) {
  Index index(9);
  const std::size_t before = index.memory_bytes();
  const auto name = [](int i) { return "site/" + std::to_string(i * 7919 % 30000) + "/x/" + std::to_string(i); };
  for (int i = 0; i < 30000; ++i) index.put(name(i), i);
  EXPECT_EQ(visited(index, "site/+/x/+").size(), 30000u);
  EXPECT_GT(index.memory_bytes(), before + 3000000);
  for (int i = 0; i < 30000; ++i) ASSERT_EQ(index.erase(name(i)), i);
  EXPECT_LT(index.memory_bytes(), before + 200 * 1024);
  EXPECT_THAT(visited(index, "#"), ElementsAre());
}

TEST(RetainedIndex, WideLevelStaysInOrderUnderChanges) {
  Index index(4);
  std::map<std::string, int> expected;
  Random random(21);
  for (int i = 0; i < 40000; ++i) {
    const std::string topic = std::to_string(random.below(10000));
    if (random.below(3) != 0) {
      index.put(topic, i);
      expected[topic] = i;
    } else {
      ASSERT_EQ(index.erase(topic).has_value(), expected.erase(topic) == 1);
    }
  }
  std::vector<std::string> topics;
  topics.reserve(expected.size());
  for (const auto& entry : expected) topics.push_back(entry.first);
  EXPECT_EQ(visited(index, "#"), topics);
  for (const std::string_view after : {"5", "5000", "99999", "0"}) {
    const std::vector<std::string> rest(std::upper_bound(topics.begin(), topics.end(), after), topics.end());
    EXPECT_EQ(visited(index, "+", after), rest);
  }
}

TEST(RetainedIndex, TellsWhatItUsesAndWhenItIsFull) {
  for (const std::string& tail : std::vector<std::string>{"/x", "/" + std::string(3000, 'x'), std::string(199, '/')}) {
    constexpr std::size_t kCapacityBytes = 1 << 20;
    Index index(3, kCapacityBytes);
    int held = 0;
    for (;; ++held) {
      const std::string topic = std::to_string(held) + tail;
      const std::size_t before = index.used_bytes();
      const std::size_t growth = index.growth_bytes(topic);
      if (!index.has_room(growth)) break;
      index.put(topic, held);
      ASSERT_EQ(index.used_bytes(), before + growth);
      ASSERT_LT(held, 100000);
    }
    EXPECT_GT(held, 20) << tail;
    EXPECT_LT(index.memory_bytes(), kCapacityBytes + kCapacityBytes / 2);
    EXPECT_GT(index.used_bytes(), kCapacityBytes / 2);
    EXPECT_TRUE(index.has_room(index.growth_bytes("0" + tail))) << "replacing needs no room";
    for (int i = 0; i < held; ++i) ASSERT_TRUE(index.erase(std::to_string(i) + tail).has_value());
    EXPECT_EQ(index.used_bytes(), 0u);
  }
}

TEST(RetainedIndex, VisitsInPartsOfBoundedWork) {
  Index index;
  for (int i = 0; i < 1000; ++i) index.put("s" + std::to_string(i) + "/x" + std::to_string(i % 2), i);
  std::string position;
  int matches = 0;
  const auto visitor = [&](std::string_view, const int&) { return ++matches > 0; };
  for (int part = 0; part < 15; ++part) {
    std::size_t budget = 100;
    ASSERT_EQ(index.visit_some("+/x1", position, budget, visitor), Visit::out_of_budget);
    EXPECT_EQ(budget, 0u);
  }
  std::size_t budget = 100;
  EXPECT_EQ(index.visit_some("+/x1", position, budget, visitor), Visit::done);
  EXPECT_EQ(budget, 100u);
  EXPECT_EQ(matches, 500);

  position.clear();
  budget = 2;
  EXPECT_EQ(index.visit_some("s7/+/+", position, budget, visitor), Visit::out_of_budget);
  EXPECT_EQ(index.visit_some("s7/+/+", position, budget, visitor), Visit::out_of_budget) << "nothing left to spend";
  budget = 2;
  EXPECT_EQ(index.visit_some("s7/+/+", position, budget, visitor), Visit::done);
}

TEST(RetainedIndex, LongestTextsOfSlashes) {
  const std::string deep(65535, '/');
  std::string all_plus = "+";
  while (all_plus.size() + 2 <= 65535) all_plus += "/+";
  const std::string plus_topic(all_plus.size() / 2, '/');
  Index index;
  fill(index, {deep, plus_topic, "/"});
  EXPECT_THAT(visited(index, "#"), ElementsAre("/", plus_topic, deep));
  EXPECT_THAT(visited(index, "#", plus_topic), ElementsAre(deep));
  EXPECT_THAT(visited(index, "#", deep), ElementsAre());
  EXPECT_THAT(visited(index, all_plus), ElementsAre(plus_topic));
  EXPECT_THAT(visited(index, deep), ElementsAre(deep));
  EXPECT_TRUE(index.erase(deep).has_value());
  EXPECT_TRUE(index.erase(plus_topic).has_value());
  EXPECT_THAT(visited(index, "#"), ElementsAre("/"));
}

// Level by level, bytes within a level, a topic before those below it.
struct LevelOrder {
  bool operator()(const std::string& a, const std::string& b) const {
    const auto split = [](const std::string& text) {
      std::vector<std::string> levels;
      for (const std::string_view level : Levels(text)) levels.emplace_back(level);
      return levels;
    };
    return split(a) < split(b);
  }
};
using Model = std::map<std::string, int, LevelOrder>;

std::vector<std::pair<std::string, int>> expected_behind(const Model& model, const std::string& filter,
                                                         const std::string& after) {
  std::vector<std::pair<std::string, int>> expected;
  for (auto at = after.empty() ? model.begin() : model.upper_bound(after); at != model.end(); ++at) {
    if (matches(filter, at->first)) expected.emplace_back(*at);
  }
  return expected;
}

void change_one(Index& index, Model& model) {
  const bool known = !model.empty() && *rc::gen::inRange(0, 3) == 0;
  const std::string topic =
      known ? std::next(model.begin(), *rc::gen::inRange<int>(0, static_cast<int>(model.size())))->first : *any_topic();
  const auto held = model.find(topic);
  const std::optional<int> before = held == model.end() ? std::nullopt : std::optional(held->second);
  if (*rc::gen::inRange(0, 3) != 0) {
    const int value = *rc::gen::arbitrary<int>();
    RC_ASSERT(index.put(topic, value) == before);
    model[topic] = value;
  } else {
    RC_ASSERT(index.erase(topic) == before);
    model.erase(topic);
  }
  RC_ASSERT(index.size() == model.size());
}

RC_GTEST_PROP(RetainedIndexProperty, VisitsLikeOneByOneFromEveryPoint, (std::uint64_t seed)) {
  Index index(seed);
  Model model;
  const int steps = *rc::gen::inRange(1, 60);
  for (int step = 0; step < steps; ++step) change_one(index, model);
  const std::string filter = *any_filter();
  std::vector<std::string> starts{""};
  for (const auto& entry : model) starts.push_back(entry.first);
  for (int i = 0; i < 10; ++i) starts.push_back(*any_topic());
  for (const std::string& after : starts) {
    std::vector<std::pair<std::string, int>> seen;
    RC_ASSERT(index.visit(filter, after, [&](std::string_view topic, const int& value) {
      seen.emplace_back(topic, value);
      return true;
    }));
    RC_ASSERT(seen == expected_behind(model, filter, after));
  }
}

RC_GTEST_PROP(RetainedIndexProperty, GoesOnAcrossChanges, (std::uint64_t seed)) {
  Index index(seed);
  Model model;
  const int steps = *rc::gen::inRange(1, 60);
  for (int step = 0; step < steps; ++step) change_one(index, model);
  const std::string filter = *any_filter();
  std::string last;
  for (bool all = false; !all;) {
    const auto expected = expected_behind(model, filter, last);
    std::size_t left = *rc::gen::inRange<std::size_t>(1, 4);
    std::vector<std::pair<std::string, int>> seen;
    all = index.visit(filter, last, [&](std::string_view topic, const int& value) {
      seen.emplace_back(topic, value);
      return --left > 0;
    });
    RC_ASSERT(seen.size() <= expected.size());
    RC_ASSERT(std::equal(seen.begin(), seen.end(), expected.begin()));
    if (all) RC_ASSERT(seen.size() == expected.size());
    if (!seen.empty()) last = seen.back().first;
    for (int i = *rc::gen::inRange(0, 3); i > 0; --i) change_one(index, model);
  }
}

// A visit in parts with random budgets and a visitor that now and then refuses.
class InParts {
 public:
  InParts(const Index& index, std::string filter) : index_(index), filter_(std::move(filter)) {}

  // False when all has been visited.
  bool go_on(const Model& model) {
    // A shrunk case may have zeros without end.
    const bool late = ++parts_ > 100;
    const std::size_t given = late ? 1000 : *rc::gen::inRange<std::size_t>(0, 5);
    std::size_t budget = given;
    std::size_t left = late ? 1000 : *rc::gen::inRange<std::size_t>(0, 4);
    const Visit end = index_.visit_some(filter_, position_, budget, [&](std::string_view topic, const int& value) {
      const auto held = model.find(std::string(topic));
      RC_ASSERT(held != model.end());
      RC_ASSERT(held->second == value);
      if (left == 0) return false;
      --left;
      seen_.emplace_back(topic);
      return true;
    });
    RC_ASSERT(budget <= given);
    if (end == Visit::out_of_budget) RC_ASSERT(budget == 0u);
    RC_ASSERT(parts_ < 200);
    return end != Visit::done;
  }
  const std::vector<std::string>& seen() const { return seen_; }

 private:
  const Index& index_;
  std::string filter_;
  std::string position_;
  std::vector<std::string> seen_;
  int parts_ = 0;
};

RC_GTEST_PROP(RetainedIndexProperty, VisitsInPartsLikeAtOnce, (std::uint64_t seed)) {
  Index index(seed);
  Model model;
  for (int step = *rc::gen::inRange(1, 60); step > 0; --step) change_one(index, model);
  const std::string filter = *any_filter();
  InParts parts(index, filter);
  while (parts.go_on(model)) continue;
  RC_ASSERT(parts.seen() == visited(index, filter));
}

RC_GTEST_PROP(RetainedIndexProperty, VisitsInPartsAcrossChanges, (std::uint64_t seed)) {
  Index index(seed);
  Model model;
  for (int step = *rc::gen::inRange(1, 60); step > 0; --step) change_one(index, model);
  const std::string filter = *any_filter();
  std::vector<std::string> always = visited(index, filter);
  InParts parts(index, filter);
  while (parts.go_on(model)) {
    for (int i = *rc::gen::inRange(0, 3); i > 0; --i) change_one(index, model);
    std::erase_if(always, [&](const std::string& topic) { return !model.contains(topic); });
  }
  const std::vector<std::string>& seen = parts.seen();
  RC_ASSERT(std::adjacent_find(seen.begin(), seen.end(), [](const std::string& a, const std::string& b) {
              return !LevelOrder{}(a, b);
            }) == seen.end());
  for (const std::string& topic : seen) RC_ASSERT(matches(filter, topic));
  RC_ASSERT(std::includes(seen.begin(), seen.end(), always.begin(), always.end(), LevelOrder{}));
}

}  // namespace
}  // namespace martlet::topic
