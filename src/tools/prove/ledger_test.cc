#include "tools/prove/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace martlet::tools::prove {
namespace {

using enum wire::QoS;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint32_t kPublishers = 3;

MessageId id(std::uint64_t sequence, wire::QoS qos = at_least_once, std::uint32_t publisher = 0,
             std::uint32_t topic = 0) {
  return {publisher, topic, qos, sequence};
}

struct World {
  MessageSet acknowledged{kPublishers};
  MessageSet received{kPublishers};
  Ledger ledger{kPublishers};
  std::vector<MessageId> lost;

  Arrival take(const MessageId& message) { return ledger.take(message, message.qos); }
  Findings findings() {
    Findings found;
    lost.clear();
    add_findings(found, acknowledged, received, ledger, [this](const MessageId& message) { lost.push_back(message); });
    return found;
  }
};

TEST(MessageSet, KnowsEachMessageOnce) {
  MessageSet set(kPublishers);
  for (std::uint32_t publisher = 0; publisher < kPublishers; ++publisher) {
    for (std::uint32_t topic = 0; topic < kTopicsPerPublisher; ++topic) {
      for (const wire::QoS qos : {at_least_once, exactly_once}) {
        for (const std::uint64_t sequence : {0u, 63u, 64u, 100'000u}) {
          const MessageId message = id(sequence, qos, publisher, topic);
          EXPECT_FALSE(set.contains(message));
          EXPECT_TRUE(set.insert(message));
          EXPECT_FALSE(set.insert(message));
          EXPECT_TRUE(set.contains(message));
        }
      }
    }
  }
  EXPECT_EQ(set.counts().of(at_least_once), 24u);
  EXPECT_EQ(set.counts().of(exactly_once), 24u);
}

TEST(MessageSet, NamesWhatTheOtherLacks) {
  MessageSet all(kPublishers);
  MessageSet some(kPublishers);
  for (std::uint64_t i = 0; i < 300; ++i) all.insert(id(i, exactly_once, 2, 1));
  for (std::uint64_t i = 0; i < 200; ++i) {
    if (i != 0 && i != 63 && i != 127) some.insert(id(i, exactly_once, 2, 1));
  }
  some.insert(id(0, at_least_once, 2, 1));
  std::vector<std::uint64_t> missing;
  all.for_each_not_in(some, [&](const MessageId& message) {
    EXPECT_EQ(message, id(message.sequence, exactly_once, 2, 1));
    missing.push_back(message.sequence);
  });
  ASSERT_EQ(missing.size(), 103u);
  missing.resize(4);
  EXPECT_THAT(missing, ElementsAre(0, 63, 127, 200));
}

TEST(Ledger, NothingIsWrongWithAllInOrder) {
  World world;
  for (std::uint64_t i = 0; i < 100; ++i) {
    world.acknowledged.insert(id(i));
    EXPECT_EQ(world.take(id(i)), Arrival::first);
  }
  const Findings found = world.findings();
  EXPECT_TRUE(found.clean());
  EXPECT_EQ(found.delivered.of(at_least_once), 100u);
  EXPECT_THAT(world.lost, IsEmpty());
}

TEST(Ledger, WhatWasAcknowledgedAndDidNotComeIsLost) {
  World world;
  for (std::uint64_t i = 0; i < 10; ++i) world.acknowledged.insert(id(i, exactly_once, 1));
  for (std::uint64_t i = 0; i < 10; ++i) {
    if (i != 4) world.take(id(i, exactly_once, 1));
  }
  const Findings found = world.findings();
  EXPECT_FALSE(found.clean());
  EXPECT_EQ(found.lost.of(exactly_once), 1u);
  EXPECT_EQ(found.lost.of(at_least_once), 0u);
  EXPECT_THAT(world.lost, ElementsAre(id(4, exactly_once, 1)));
}

TEST(Ledger, WhatWasNotAcknowledgedMayCome) {
  World world;
  EXPECT_EQ(world.take(id(0)), Arrival::first);
  EXPECT_TRUE(world.findings().clean());
}

TEST(Ledger, WhatWasOnlyReceivedIsCountedApart) {
  World world;
  world.received.insert(id(0, exactly_once));
  world.received.insert(id(1, exactly_once));
  world.acknowledged.insert(id(1, exactly_once));
  world.take(id(1, exactly_once));
  const Findings found = world.findings();
  EXPECT_EQ(found.received_lost, 1u);
  EXPECT_TRUE(found.clean());
}

TEST(Ledger, ADuplicateIsLegalAtQosOneOnly) {
  World world;
  world.take(id(0));
  EXPECT_EQ(world.take(id(0)), Arrival::duplicate);
  EXPECT_TRUE(world.findings().clean());
  EXPECT_EQ(world.findings().duplicated.of(at_least_once), 1u);
  world.take(id(0, exactly_once));
  EXPECT_EQ(world.take(id(0, exactly_once)), Arrival::duplicate);
  EXPECT_EQ(world.findings().duplicated.of(exactly_once), 1u);
  EXPECT_FALSE(world.findings().clean());
}

TEST(Ledger, FirstDeliveriesAreInOrder) {
  World world;
  world.take(id(0));
  world.take(id(2));
  EXPECT_EQ(world.take(id(1)), Arrival::reordered);
  EXPECT_EQ(world.findings().reordered, 1u);
  EXPECT_FALSE(world.findings().clean());
}

TEST(Ledger, ARepeatedRunIsNoReordering) {
  World world;
  for (const std::uint64_t sequence : {0u, 1u, 2u, 0u, 1u, 2u, 3u}) world.take(id(sequence));
  EXPECT_EQ(world.findings().reordered, 0u);
  EXPECT_EQ(world.findings().duplicated.total(), 3u);
}

TEST(Ledger, OrderIsKeptByPublisherTopicAndQos) {
  World world;
  world.take(id(5));
  world.take(id(0, exactly_once));
  world.take(id(0, at_least_once, 1));
  world.take(id(0, at_least_once, 0, 1));
  EXPECT_EQ(world.findings().reordered, 0u);
}

TEST(Ledger, WhatIsNotAsItWasMadeIsCorrupt) {
  World world;
  EXPECT_EQ(world.ledger.take(std::nullopt, at_least_once), Arrival::corrupt);
  EXPECT_EQ(world.ledger.take(id(0, exactly_once), at_least_once), Arrival::corrupt);
  EXPECT_EQ(world.take(id(0, at_least_once, kPublishers)), Arrival::corrupt);
  EXPECT_EQ(world.take(id(0, at_least_once, 0, kTopicsPerPublisher)), Arrival::corrupt);
  EXPECT_EQ(world.take(id(~std::uint64_t{0})), Arrival::corrupt);
  const Findings found = world.findings();
  EXPECT_EQ(found.corrupted, 5u);
  EXPECT_EQ(found.delivered.total(), 0u);
  EXPECT_FALSE(found.clean());
}

TEST(Findings, AddUpOverSubscribers) {
  World one, other;
  for (World* world : {&one, &other}) world->acknowledged.insert(id(0));
  one.take(id(0));
  Findings found = one.findings();
  add_findings(found, other.acknowledged, other.received, other.ledger, [](const MessageId&) {});
  EXPECT_EQ(found.delivered.total(), 1u);
  EXPECT_EQ(found.lost.total(), 1u);
}

}  // namespace
}  // namespace martlet::tools::prove
