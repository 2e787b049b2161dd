#include "broker/retained_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace martlet::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class RetainedStoreTest : public ::testing::Test {
 protected:
  static session::MessageRef message(std::string_view topic, std::string_view payload,
                                     DeadlineMs expires_at_ms = kNever) {
    session::MessageFacts facts;
    facts.retain = true;
    facts.expires_at_ms = expires_at_ms;
    return session::MessageRef::make(topic, as_bytes(payload), {}, facts);
  }
  std::string_view payload(std::string_view topic) {
    const RetainedMessage* found = store_.index().find(topic);
    return found ? as_text(found->message->payload()) : "none";
  }
  std::vector<std::string> sweep(std::int64_t now_ms, std::size_t most) {
    std::vector<std::string> erased;
    store_.sweep(Now{now_ms, 0}, most, [&](std::string_view topic) { erased.emplace_back(topic); });
    return erased;
  }
  BrokerOptions options_;
  RetainedStore store_{options_, 1};
};

TEST_F(RetainedStoreTest, KeepsTheLastOfEachTopic) {
  EXPECT_TRUE(store_.store(message("a", "1")));
  EXPECT_TRUE(store_.store(message("b", "2")));
  const std::uint64_t version = store_.version();
  EXPECT_TRUE(store_.store(message("a", "3")));
  EXPECT_EQ(payload("a"), "3");
  EXPECT_EQ(store_.messages(), 2u);
  EXPECT_GT(store_.index().find("a")->version, version);
  EXPECT_LE(store_.index().find("b")->version, version);
  EXPECT_EQ(store_.bytes(),
            message("a", "3")->footprint_bytes() + message("b", "2")->footprint_bytes() + store_.index().used_bytes());
}

TEST_F(RetainedStoreTest, AnEmptyPayloadErases) {
  store_.store(message("a", "1", 500));
  EXPECT_TRUE(store_.any_can_expire());
  EXPECT_TRUE(store_.store(message("a", "")));
  EXPECT_EQ(payload("a"), "none");
  EXPECT_TRUE(store_.store(message("never there", "")));
  EXPECT_EQ(store_.messages(), 0u);
  EXPECT_EQ(store_.bytes(), 0u);
  EXPECT_FALSE(store_.any_can_expire());
}

TEST_F(RetainedStoreTest, IsBoundedByMessages) {
  options_.max_retained_messages = 2;
  EXPECT_TRUE(store_.store(message("a", "1")));
  EXPECT_TRUE(store_.store(message("b", "2")));
  EXPECT_FALSE(store_.store(message("c", "3")));
  EXPECT_EQ(payload("c"), "none");
  EXPECT_TRUE(store_.store(message("a", "4"))) << "replacing needs no room";
  EXPECT_EQ(payload("a"), "4");
}

TEST_F(RetainedStoreTest, IsBoundedByBytes) {
  const std::size_t index_bytes = store_.index().growth_bytes("a");
  EXPECT_GT(index_bytes, 0u);
  options_.max_retained_bytes = 2 * (message("a", std::string(100, 'x'))->footprint_bytes() + index_bytes);
  EXPECT_TRUE(store_.store(message("a", std::string(100, 'x'))));
  EXPECT_TRUE(store_.store(message("b", std::string(100, 'x'))));
  EXPECT_FALSE(store_.store(message("c", "x")));
  EXPECT_FALSE(store_.store(message("a", std::string(101, 'x')))) << "nothing changes";
  EXPECT_EQ(payload("a").size(), 100u);
  EXPECT_TRUE(store_.store(message("a", std::string(100, 'y'))));
  EXPECT_LE(store_.bytes(), options_.max_retained_bytes);
}

TEST_F(RetainedStoreTest, CountsTheLevelsOfTopics) {
  options_.max_retained_bytes = 1 << 20;
  int stored = 0;
  while (store_.store(message(std::to_string(stored) + std::string(199, '/'), "x"))) ++stored;
  EXPECT_GT(stored, 20);
  EXPECT_LT(stored, 200);
  EXPECT_LE(store_.bytes(), options_.max_retained_bytes);
  EXPECT_LT(store_.index().memory_bytes(), 2u << 20);
  for (int i = 0; i < stored; ++i) store_.erase(std::to_string(i) + std::string(199, '/'));
  EXPECT_EQ(store_.bytes(), 0u);
}

TEST_F(RetainedStoreTest, SweepsWhatExpiredInSmallSteps) {
  store_.store(message("a", "1", 100));
  store_.store(message("b", "2"));
  store_.store(message("$SYS/c", "3", 200));
  store_.store(message("d", "4", 100));
  EXPECT_THAT(sweep(99, 10), IsEmpty());
  std::vector<std::string> erased;
  for (int i = 0; i < 6; ++i) {
    const auto step = sweep(150, 2);
    erased.insert(erased.end(), step.begin(), step.end());
  }
  EXPECT_THAT(erased, UnorderedElementsAre("a", "d"));
  EXPECT_TRUE(store_.any_can_expire());
  for (int i = 0; i < 3; ++i) {
    for (auto& topic : sweep(300, 2)) erased.push_back(topic);
  }
  EXPECT_THAT(erased, UnorderedElementsAre("a", "d", "$SYS/c"));
  EXPECT_FALSE(store_.any_can_expire());
  EXPECT_EQ(payload("b"), "2");
}

}  // namespace
}  // namespace martlet::broker
