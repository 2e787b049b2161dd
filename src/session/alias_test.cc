#include "session/alias.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace martlet::session {
namespace {

TEST(IncomingAliases, FindsWhatWasDefined) {
  IncomingAliases aliases;
  aliases.set_maximum(10);
  EXPECT_EQ(aliases.find(3), std::nullopt);
  aliases.define(3, "a/b");
  EXPECT_EQ(aliases.find(3), "a/b");
  EXPECT_EQ(aliases.find(2), std::nullopt);
  EXPECT_EQ(aliases.find(0), std::nullopt);
  EXPECT_EQ(aliases.find(65'535), std::nullopt);
  aliases.define(3, "c");
  EXPECT_EQ(aliases.find(3), "c");
}

TEST(OutgoingAliases, GivesNoneWithoutTheyPeersLeave) {
  OutgoingAliases aliases;
  EXPECT_EQ(aliases.choose("a/b/c").alias, 0);
  aliases.set_maximum(0);
  EXPECT_EQ(aliases.choose("a/b/c").alias, 0);
}

TEST(OutgoingAliases, TheSecondTimeTheTopicIsKnown) {
  OutgoingAliases aliases;
  aliases.set_maximum(2);
  const auto first = aliases.choose("a/b/c");
  EXPECT_EQ(first.alias, 1);
  EXPECT_FALSE(first.known);
  const auto second = aliases.choose("a/b/c");
  EXPECT_EQ(second.alias, 1);
  EXPECT_TRUE(second.known);
  EXPECT_EQ(aliases.choose("abc").alias, 0) << "an alias would be longer than the topic";
}

TEST(OutgoingAliases, StaysWithinThePeersMaximum) {
  OutgoingAliases aliases;
  aliases.set_maximum(3);
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 20; ++i) EXPECT_LE(aliases.choose("topic/" + std::to_string(i)).alias, 3);
  }
}

TEST(OutgoingAliases, ATopicThatIsNotUsedGivesItsAliasAway) {
  OutgoingAliases aliases;
  aliases.set_maximum(2);
  aliases.choose("stale/topic");
  aliases.choose("busy/topic");
  for (int i = 0; i < 100; ++i) aliases.choose("busy/topic");
  const auto fresh = aliases.choose("fresh/topic");
  EXPECT_EQ(fresh.alias, 1);
  EXPECT_FALSE(fresh.known) << "the alias stood for another topic";
  EXPECT_TRUE(aliases.choose("fresh/topic").known);
  EXPECT_FALSE(aliases.choose("stale/topic").known);
  EXPECT_EQ(aliases.choose("busy/topic").alias, 2);
}

}  // namespace
}  // namespace martlet::session
