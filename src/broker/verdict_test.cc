#include "broker/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace martlet::broker {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr Now kNow{5, 1'700'000'000'123};

TEST(Verdicts, EveryReasonHasANameOfItsOwn) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < kVerdictReasons; ++i) {
    const std::string name = verdict_name(static_cast<VerdictReason>(i));
    EXPECT_FALSE(name.empty());
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos) << name;
    names.insert(name);
  }
  EXPECT_EQ(names.size(), kVerdictReasons);
  EXPECT_STREQ(verdict_name(VerdictReason::delivered), "delivered");
  EXPECT_STREQ(verdict_name(VerdictReason::no_subscriber), "no_subscriber");
  EXPECT_STREQ(verdict_name(VerdictReason::shutting_down), "shutting_down");
}

TEST(Verdicts, CountsAndDumps) {
  Verdicts verdicts(8);
  EXPECT_EQ(verdicts.dump(), "");
  verdicts.record({VerdictReason::queue_full, "client", "a/b", "limits.max_queued"}, kNow);
  verdicts.record({VerdictReason::queue_full, "client", "a/c", "limits.max_queued"}, kNow);
  verdicts.record({VerdictReason::delivered, "other", "a/b", ""}, kNow);
  EXPECT_EQ(verdicts.count(VerdictReason::queue_full), 2u);
  EXPECT_EQ(verdicts.count(VerdictReason::expired), 0u);
  EXPECT_EQ(verdicts.recorded(), 3u);
  EXPECT_EQ(verdicts.dump(),
            "count delivered 1\n"
            "count queue_full 2\n"
            "1700000000.123 queue_full client=\"client\" topic=\"a/b\" rule=\"limits.max_queued\"\n"
            "1700000000.123 queue_full client=\"client\" topic=\"a/c\" rule=\"limits.max_queued\"\n"
            "1700000000.123 delivered client=\"other\" topic=\"a/b\" rule=\"\"\n");
}

TEST(Verdicts, KeepsTheLatestAndCountsAll) {
  Verdicts verdicts(4);
  for (int i = 0; i < 10; ++i) verdicts.record({VerdictReason::expired, "c", "t" + std::to_string(i), ""}, kNow);
  EXPECT_EQ(verdicts.count(VerdictReason::expired), 10u);
  const std::string dump = verdicts.dump();
  EXPECT_THAT(dump, Not(HasSubstr("\"t5\"")));
  for (const char* topic : {"\"t6\"", "\"t7\"", "\"t8\"", "\"t9\""}) EXPECT_THAT(dump, HasSubstr(topic));
  EXPECT_LT(dump.find("\"t6\""), dump.find("\"t9\""));
}

TEST(Verdicts, SuccessesDoNotPushOutTheRest) {
  Verdicts verdicts(4, 2);
  verdicts.record({VerdictReason::expired, "c", "early", ""}, kNow);
  for (int i = 0; i < 10; ++i) verdicts.record({VerdictReason::delivered, "c", "t" + std::to_string(i), ""}, kNow);
  verdicts.record({VerdictReason::denied, "c", "late", ""}, kNow);
  EXPECT_EQ(verdicts.recorded(), 12u);
  const std::string dump = verdicts.dump();
  EXPECT_THAT(dump, HasSubstr("count delivered 10\n"));
  EXPECT_THAT(dump, Not(HasSubstr("\"t7\"")));
  EXPECT_LT(dump.find("\"early\""), dump.find("\"t8\""));
  EXPECT_LT(dump.find("\"t9\""), dump.find("\"late\""));
}

TEST(Verdicts, LongTextsAreCut) {
  Verdicts verdicts(2);
  verdicts.record({VerdictReason::denied, std::string(70'000, 'c'), std::string(70'000, 't'), ""}, kNow);
  const std::string dump = verdicts.dump();
  EXPECT_THAT(dump, HasSubstr("client=\"" + std::string(37, 'c') + "\""));
  EXPECT_THAT(dump, HasSubstr("topic=\"" + std::string(52, 't') + "\""));
}

TEST(Verdicts, WhatMovesATerminalsCursorIsEscaped) {
  Verdicts verdicts(2);
  verdicts.record({VerdictReason::denied, "a\n\x1B[2J", "\x7F\r", ""}, kNow);
  EXPECT_THAT(verdicts.dump(), HasSubstr(R"(client="a\x0a\x1b[2J" topic="\x7f\x0d")"));
}

TEST(Verdicts, NoTextForgesAnotherField) {
  Verdicts verdicts(2);
  verdicts.record({VerdictReason::denied, "a\" topic=\"x\\", "\xC2\x9B\xE2\x80\xAE\xFF", ""}, kNow);
  EXPECT_THAT(verdicts.dump(), HasSubstr(R"(client="a\" topic=\"x\\" topic="\u{009b}\u{202e}\xff" rule="")"));
}

TEST(VerdictsDeathTest, TheCapacityIsAPowerOfTwo) {
  EXPECT_DEATH(Verdicts(3), "power of two");
}

}  // namespace
}  // namespace martlet::broker
