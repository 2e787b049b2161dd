#include "topic/subscription_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <new>
#include <string>
#include <tuple>
#include <vector>

#include "base/random.h"
#include "topic/filter.h"
#include "topic/testing/random_texts.h"

namespace {

std::atomic<std::size_t> allocations{0};  // other tests of the program start threads

void* counted(std::size_t bytes) {
  ++allocations;
  void* memory = std::malloc(bytes);
  if (!memory) std::abort();
  return memory;
}

}  // namespace

// Counts what the whole test program allocates.
void* operator new(std::size_t bytes) {
  return counted(bytes);
}
void* operator new[](std::size_t bytes) {
  return counted(bytes);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace martlet::topic {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

std::vector<SubscriberId> subscribers(const SubscriptionIndex& index, std::string_view topic) {
  std::vector<SubscriberId> found;
  index.match(topic, [&](const Subscription& subscription) { found.push_back(subscription.subscriber); });
  return found;
}

TEST(SubscriptionIndex, FindsPlainAndWildcardFilters) {
  SubscriptionIndex index(1);
  index.add("a/b", {1});
  index.add("a/+", {2});
  index.add("a/#", {3});
  index.add("#", {4});
  index.add("+/b", {5});
  index.add("a/b/c", {6});
  index.add("b/+", {7});
  EXPECT_THAT(subscribers(index, "a/b"), UnorderedElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(subscribers(index, "a"), UnorderedElementsAre(3, 4));
  EXPECT_THAT(subscribers(index, "a/b/c"), UnorderedElementsAre(3, 4, 6));
  EXPECT_THAT(subscribers(index, "b/"), UnorderedElementsAre(4, 7));
  EXPECT_EQ(index.size(), 7u);
}

TEST(SubscriptionIndex, HidesDollarTopicsFromLeadingWildcards) {  // [MQTT-4.7.2-1]
  SubscriptionIndex index;
  index.add("#", {1});
  index.add("+/x", {2});
  index.add("$SYS/#", {3});
  index.add("$SYS/+", {4});
  index.add("$SYS/x", {5});
  EXPECT_THAT(subscribers(index, "$SYS/x"), UnorderedElementsAre(3, 4, 5));
  EXPECT_THAT(subscribers(index, "a/x"), UnorderedElementsAre(1, 2));
}

TEST(SubscriptionIndex, SameFilterAndSubscriberReplaces) {  // [MQTT-3.8.4-3]
  SubscriptionIndex index;
  for (const std::string_view filter : {"a/b", "a/+", "a/#"}) {
    EXPECT_EQ(index.add(filter, {1, 10, 1}), AddOutcome::added);
    EXPECT_EQ(index.add(filter, {1, 20, 2}), AddOutcome::replaced);
    const Subscription* held = index.find(filter, 1);
    ASSERT_NE(held, nullptr);
    EXPECT_EQ(held->identifier, 20u);
    EXPECT_EQ(held->options, 2u);
    EXPECT_EQ(index.find(filter, 2), nullptr);
  }
  EXPECT_EQ(index.size(), 3u);
}

TEST(SubscriptionIndex, RemoveTellsWhetherItWasThere) {
  SubscriptionIndex index;
  for (const std::string_view filter : {"a/b", "a/+", "a/#", "#", "+", "+/+/#"}) {
    EXPECT_FALSE(index.remove(filter, 1));
    index.add(filter, {1});
    EXPECT_FALSE(index.remove(filter, 2));
    EXPECT_TRUE(index.remove(filter, 1));
    EXPECT_FALSE(index.remove(filter, 1));
    EXPECT_EQ(index.find(filter, 1), nullptr);
  }
  EXPECT_TRUE(index.empty());
  EXPECT_THAT(subscribers(index, "a/b"), ElementsAre());
}

TEST(SubscriptionIndex, AHandleNamesAFilterAsLongAsSomebodySubscribesToIt) {
  SubscriptionIndex index(1);
  const std::string longest(3000, 'x');
  const std::vector<std::string> filters = {"a",    "a/b", "/",       "/a/",     "a/+",          "+",
                                            "+/+",  "#",   "a/#",     "/#",      "+/#",          "a/+/c/#",
                                            "/+/",  "+/",  "a/+/c/+", "a/+/c/d", longest + "/+", longest + "/#",
                                            longest};
  std::map<Handle, std::string> by_handle;
  for (const std::string& filter : filters) {
    EXPECT_EQ(index.handle_of(filter), 0u) << filter;
    index.add(filter, {1});
    by_handle[index.handle_of(filter)] = filter;
  }
  EXPECT_EQ(by_handle.size(), filters.size());  // all differ
  EXPECT_FALSE(by_handle.contains(0));
  EXPECT_EQ(index.handle_of("a/+/c"), 0u);  // on the way to others
  for (const std::string& filter : filters) {
    index.add(filter, {2});
    index.remove(filter, 1);
  }
  for (const auto& [handle, filter] : by_handle) {
    EXPECT_EQ(index.handle_of(filter), handle);
    EXPECT_EQ(index.filter_of(handle), filter);
  }
  for (const std::string& filter : filters) {
    index.remove(filter, 2);
    EXPECT_EQ(index.handle_of(filter), 0u) << filter;
  }
}

TEST(SubscriptionIndex, ManySubscribersOfOneFilter) {
  for (const std::string filter : {"a/b", "a/+", "a/#"}) {
    SubscriptionIndex index;
    const std::size_t before = index.memory_bytes();
    std::map<SubscriberId, std::uint32_t> expected;
    Random random(11);
    for (std::uint32_t step = 0; step < 60000; ++step) {
      const auto id = static_cast<SubscriberId>(random.below(20000));
      if (random.below(3) != 0) {
        const AddOutcome outcome = index.add(filter, {id, step});
        ASSERT_EQ(outcome == AddOutcome::replaced, expected.contains(id));
        expected[id] = step;
      } else {
        ASSERT_EQ(index.remove(filter, id), expected.erase(id) == 1);
      }
    }
    ASSERT_EQ(index.size(), expected.size());
    std::map<SubscriberId, std::uint32_t> found;
    index.match("a/b", [&](const Subscription& subscription) {
      EXPECT_TRUE(found.emplace(subscription.subscriber, subscription.identifier).second);
    });
    EXPECT_EQ(found, expected);
    for (const auto& [id, identifier] : expected) {
      ASSERT_NE(index.find(filter, id), nullptr);
      ASSERT_TRUE(index.remove(filter, id));
    }
    EXPECT_TRUE(index.empty());
    EXPECT_LT(index.memory_bytes(), before + 128 * 1024);
  }
}

TEST(SubscriptionIndex, GivesMemoryBack) {
  SubscriptionIndex index(5);
  const std::size_t before = index.memory_bytes();
  const auto filter = [](int i) {
    return "site/" + std::to_string(i) + (i % 2 ? "/+/t" + std::to_string(i) + "/#" : "/x");
  };
  for (int i = 0; i < 50000; ++i) index.add(filter(i), {1});
  EXPECT_GT(index.memory_bytes(), before + 3000000);
  for (int i = 0; i < 50000; ++i) ASSERT_TRUE(index.remove(filter(i), 1));
  EXPECT_LT(index.memory_bytes(), before + 200 * 1024);
}

TEST(SubscriptionIndex, StaysSmallAtEverySize) {
  for (const std::string& tail : std::vector<std::string>{"/sensor7", "/+/x", "/t/#"}) {
    SubscriptionIndex index(8);
    for (std::uint32_t count = 1; count <= 200000; ++count) {
      const std::string id = std::to_string(1000000 + count).substr(1);
      index.add(std::string("plant/").append(id, 2).append("/line/").append(id).append(tail), {count});
      if (count >= 20000 && count % 1000 == 0) {
        ASSERT_LT(index.memory_bytes() / count, 190u) << tail << count;
      }
    }
    EXPECT_LT(index.memory_bytes() / index.size(), 150u) << tail;
  }
}

TEST(SubscriptionIndex, RefusesWhatItHasNoRoomFor) {
  for (const std::string& tail :
       std::vector<std::string>{"/x", "/+/x", "/#", "/" + std::string(3000, 'x'), std::string(300, '/') + "+"}) {
    constexpr std::size_t kCapacityBytes = 1 << 20;
    SubscriptionIndex index(3, kCapacityBytes);
    std::uint32_t held = 0;
    while (index.add(std::to_string(held) + tail, {1, held}) == AddOutcome::added) ASSERT_LT(++held, 100000u);
    EXPECT_GT(held, 20u) << tail;
    EXPECT_EQ(index.size(), held);
    EXPECT_LT(index.memory_bytes(), kCapacityBytes + kCapacityBytes / 2) << tail;
    EXPECT_EQ(index.find(std::to_string(held) + tail, 1), nullptr);
    EXPECT_EQ(index.add("0" + tail, {2}), AddOutcome::full);
    EXPECT_EQ(index.add("0" + tail, {1, 77}), AddOutcome::replaced) << "replacing needs no room";
    EXPECT_EQ(index.find("0" + tail, 1)->identifier, 77u);
    for (std::uint32_t i = 0; i < held; ++i) ASSERT_TRUE(index.remove(std::to_string(i) + tail, 1));
    EXPECT_EQ(index.add("0" + tail, {2}), AddOutcome::added);
  }
}

TEST(SubscriptionIndex, CostIsWhatManySubscriptionsTake) {
  for (const std::string& tail :
       std::vector<std::string>{"/x", "/+/x", "/#", "/" + std::string(1500, 'x'), "/" + std::string(3000, 'x'),
                                "/+/" + std::string(3000, 'x'), std::string(198, '/') + "+"}) {
    SubscriptionIndex index(3);
    std::size_t charged = 0;
    for (std::uint32_t i = 0; i < 3000; ++i) {
      const std::string filter = std::to_string(i) + tail;
      index.add(filter, {i});
      charged += SubscriptionIndex::cost_bytes(filter);
    }
    constexpr std::size_t kSlabsBegun = 100'000;
    EXPECT_LT(index.memory_bytes(), charged + kSlabsBegun) << tail;
    EXPECT_GT(index.memory_bytes() * 3, charged) << tail;
  }
  SubscriptionIndex index(3);
  for (SubscriberId id = 0; id < 16385; ++id) index.add("a/+", {id});
  EXPECT_LT(index.memory_bytes(), 16385 * SubscriptionIndex::cost_bytes("a/+"));
}

TEST(SubscriptionIndex, LongestTextsOfSlashes) {
  const std::string topic(65535, '/');
  std::string all_plus = "+";
  while (all_plus.size() + 2 <= 65535) all_plus += "/+";
  const std::string plus_topic(all_plus.size() / 2, '/');
  SubscriptionIndex index;
  index.add(topic, {1});
  index.add("/#", {2});
  index.add(topic.substr(1) + "#", {3});
  index.add(all_plus, {4});
  index.add(all_plus.substr(0, all_plus.size() - 1) + "#", {5});
  EXPECT_THAT(subscribers(index, topic), UnorderedElementsAre(1, 2, 3, 5));
  EXPECT_THAT(subscribers(index, plus_topic), UnorderedElementsAre(2, 4, 5));
  for (const SubscriberId id : {4u, 5u, 3u, 2u, 1u}) {
    const std::string filters[] = {topic, "/#", topic.substr(1) + "#", all_plus,
                                   all_plus.substr(0, all_plus.size() - 1) + "#"};
    EXPECT_TRUE(index.remove(filters[id - 1], id));
  }
  EXPECT_TRUE(index.empty());
}

TEST(SubscriptionIndex, MatchAllocatesNothing) {
  SubscriptionIndex index(2);
  std::string deep = "a";
  for (int i = 0; i < 1000; ++i) deep += i % 2 ? "/+" : "/a";
  index.add(deep, {1});
  for (SubscriberId id = 0; id < 100; ++id) index.add("a/a/#", {id});
  std::string topic = "a";
  for (int i = 0; i < 1000; ++i) topic += "/a";
  index.add(topic, {7});
  std::size_t visited = 0;
  const std::size_t before = allocations;
  index.match(topic, [&](const Subscription&) { ++visited; });
  const std::size_t during = allocations - before;
  EXPECT_EQ(during, 0u);
  EXPECT_EQ(visited, 102u);
  EXPECT_GT(before, 0u);
}

// The index beside a plain list of subscriptions that every filter is matched from one by one.
using Model = std::map<std::pair<std::string, SubscriberId>, Subscription>;
using Visited = std::vector<std::tuple<SubscriberId, std::uint32_t, std::uint8_t>>;

Visited visited_by_index(const SubscriptionIndex& index, const std::string& topic) {
  Visited visited;
  index.match(topic, [&](const Subscription& s) { visited.emplace_back(s.subscriber, s.identifier, s.options); });
  std::sort(visited.begin(), visited.end());
  return visited;
}

Visited visited_by_model(const Model& model, const std::string& topic) {
  Visited visited;
  for (const auto& [key, s] : model) {
    if (matches(key.first, topic)) visited.emplace_back(s.subscriber, s.identifier, s.options);
  }
  std::sort(visited.begin(), visited.end());
  return visited;
}

void change_one(SubscriptionIndex& index, Model& model) {
  const std::string filter = *any_filter();
  const auto subscriber = *rc::gen::inRange<SubscriberId>(0, 5);
  const std::pair key{filter, subscriber};
  if (*rc::gen::inRange(0, 3) != 0) {
    const Subscription subscription{subscriber, *rc::gen::arbitrary<std::uint32_t>(),
                                    *rc::gen::arbitrary<std::uint8_t>()};
    const bool replaced = index.add(filter, subscription) == AddOutcome::replaced;
    RC_ASSERT(replaced == model.contains(key));
    model[key] = subscription;
  } else {
    // Half of the time something that is there.
    const bool known = !model.empty() && *rc::gen::arbitrary<bool>();
    const auto victim =
        known ? std::next(model.begin(), *rc::gen::inRange<int>(0, static_cast<int>(model.size())))->first : key;
    RC_ASSERT(index.remove(victim.first, victim.second) == (model.erase(victim) == 1));
  }
}

RC_GTEST_PROP(SubscriptionIndexProperty, MatchesLikeOneByOne, (std::uint64_t seed)) {
  SubscriptionIndex index(seed);
  Model model;
  const int steps = *rc::gen::inRange(1, 80);
  for (int step = 0; step < steps; ++step) {
    change_one(index, model);
    RC_ASSERT(index.size() == model.size());
    for (int i = 0; i < 3; ++i) {
      const std::string topic = *any_topic();
      RC_ASSERT(visited_by_index(index, topic) == visited_by_model(model, topic));
    }
  }
  for (const auto& [key, subscription] : model) {
    const Subscription* held = index.find(key.first, key.second);
    RC_ASSERT(held != nullptr);
    RC_ASSERT(held->identifier == subscription.identifier);
    RC_ASSERT(held->options == subscription.options);
  }
}

}  // namespace
}  // namespace martlet::topic
