#include "server/cores/core_link.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace martlet::server {
namespace {

class Ear final : public CoreLink::Listener {
 public:
  Ticket heard(const broker::Forwarded& forwarded) override {
    topics.emplace_back(forwarded.message->topic());
    return ticket;
  }
  bool takes_forwarded() const override { return takes; }
  void heard(CoreNote& note) override { notes.push_back(note.kind); }

  bool takes = true;
  Ticket ticket = Ticket::done();
  std::vector<std::string> topics;
  std::vector<CoreNote::Kind> notes;
};

class CoreLinkTest : public ::testing::Test {
 protected:
  CoreLinkTest() {
    board.set_wake(0, [this] { ++woken[0]; });
    board.set_wake(1, [this] { ++woken[1]; });
  }
  static broker::Forwarded message(std::string_view topic, std::uint64_t position = 0, std::size_t payload_bytes = 0) {
    broker::Forwarded forwarded;
    const std::string payload(payload_bytes, 'x');
    forwarded.message = session::MessageRef::make(topic, as_bytes(payload), {}, {});
    forwarded.position = position;
    return forwarded;
  }

  Switchboard board{2};
  CoreLink one{board, 0};
  CoreLink other{board, 1};
  Ear ear;
  Ear others_ear;
  int woken[2] = {0, 0};
};

TEST_F(CoreLinkTest, SaysAtTheEndOfTheTurnInOrderAndWakesOnce) {
  EXPECT_TRUE(other.about_to_wait());
  one.forward(1, message("a"));
  one.forward(1, message("b"));
  EXPECT_FALSE(other.listen(others_ear));
  one.speak(0);
  EXPECT_EQ(woken[1], 1);
  EXPECT_FALSE(other.about_to_wait());
  EXPECT_TRUE(other.listen(others_ear));
  EXPECT_EQ(others_ear.topics, (std::vector<std::string>{"a", "b"}));
}

TEST_F(CoreLinkTest, WhoIsAwakeIsNotWoken) {
  EXPECT_TRUE(other.about_to_wait());
  other.woke();
  one.forward(1, message("a"));
  one.speak(0);
  EXPECT_EQ(woken[1], 0);
}

TEST_F(CoreLinkTest, TheLogIsNeededUntilTheOtherHasRecorded) {
  others_ear.ticket = Ticket::at(5);
  one.forward(1, message("a", 10));
  one.forward(1, message("b", 11));
  EXPECT_EQ(one.lowest_unconfirmed(), 10u);
  one.speak(0);
  other.listen(others_ear);
  other.speak(4);
  one.listen(ear);
  EXPECT_EQ(one.lowest_unconfirmed(), 10u);
  EXPECT_FALSE(one.is_idle());
  EXPECT_FALSE(other.is_idle());
  EXPECT_TRUE(one.about_to_wait());
  other.speak(5);
  EXPECT_EQ(woken[0], 0) << "a log that can be trimmed some time wakes nobody";
  one.listen(ear);
  EXPECT_EQ(one.lowest_unconfirmed(), ~std::uint64_t{0});
  EXPECT_TRUE(one.is_idle());
  EXPECT_TRUE(other.is_idle());
}

TEST_F(CoreLinkTest, WhatFindsNoRoomWaitsAndHoldsTheClients) {
  constexpr int kMany = 30'000;
  for (int i = 0; i < kMany; ++i) one.forward(1, message("t"));
  one.speak(0);
  EXPECT_TRUE(one.has_backlog());
  EXPECT_TRUE(one.congested());
  while (other.listen(others_ear)) one.speak(0);
  EXPECT_EQ(others_ear.topics.size(), static_cast<std::size_t>(kMany));
  EXPECT_FALSE(one.has_backlog());
  EXPECT_FALSE(one.congested());
}

TEST_F(CoreLinkTest, AConnectionMovesWithItsBytes) {
  auto moved = std::make_unique<MovedConnection>();
  moved->bytes = {1, 2, 3};
  one.move(1, std::move(moved));
  one.speak(0);
  other.listen(others_ear);
  EXPECT_EQ(others_ear.notes, std::vector<CoreNote::Kind>{CoreNote::Kind::connection});
}

TEST_F(CoreLinkTest, LargeMessagesDoNotPileUpInARing) {
  constexpr std::size_t kBytes = 1 << 20;
  for (int i = 0; i < 100; ++i) one.forward(1, message("t", 0, kBytes));
  one.speak(0);
  EXPECT_TRUE(one.has_backlog());
  EXPECT_TRUE(one.congested()) << "clients are not read";
  other.listen(others_ear);
  EXPECT_GT(others_ear.topics.size(), 10u);
  EXPECT_LT(others_ear.topics.size(), 40u);
  for (int turn = 0; turn < 10; ++turn) {
    one.speak(0);
    other.listen(others_ear);
  }
  EXPECT_EQ(others_ear.topics.size(), 100u);
  EXPECT_FALSE(one.has_backlog());
  EXPECT_FALSE(one.congested());
}

TEST_F(CoreLinkTest, AMessageThatIsLargerThanARingsShareGoesAlone) {
  for (int i = 0; i < 2; ++i) one.forward(1, message("t", 0, 80 << 20));
  for (std::size_t turn = 1; turn <= 2; ++turn) {
    one.speak(0);
    other.listen(others_ear);
    EXPECT_EQ(others_ear.topics.size(), turn);
  }
}

TEST_F(CoreLinkTest, WhatIsNotTakenStaysInOrder) {
  one.forward(1, message("t"));
  one.tell_connected(1, 7);
  one.speak(0);
  others_ear.takes = false;
  EXPECT_FALSE(other.listen(others_ear));
  EXPECT_TRUE(others_ear.notes.empty());
  EXPECT_FALSE(other.about_to_wait());
  others_ear.takes = true;
  EXPECT_TRUE(other.listen(others_ear));
  EXPECT_EQ(others_ear.topics.size(), 1u);
  EXPECT_EQ(others_ear.notes.size(), 1u);
}

TEST_F(CoreLinkTest, NobodyWaitsWithSomethingToSay) {
  one.forward(1, message("t"));
  EXPECT_FALSE(one.about_to_wait()) << "a will of a connection that was lost behind speak()";
  one.woke();
  one.speak(0);
  EXPECT_TRUE(one.about_to_wait());
}

// What a full ring had no room for wakes who has emptied it and sleeps.
TEST_F(CoreLinkTest, WhatFoundNoRoomWakesToo) {
  for (int i = 0; i < 5'000; ++i) one.forward(1, message("t"));
  one.speak(0);
  ASSERT_TRUE(one.has_backlog());
  other.listen(others_ear);
  EXPECT_TRUE(other.about_to_wait());
  one.speak(0);
  EXPECT_EQ(woken[1], 1);
}

}  // namespace
}  // namespace martlet::server
