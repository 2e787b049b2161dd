#include "server/admission/admission.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace martlet::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kPeer = "192.0.2.1:50123";

Now at(std::int64_t mono_ms) {
  return {1'000'000 + mono_ms, 1'700'000'000'000 + mono_ms};
}

broker::ConnectFacts facts(std::string_view client, std::string_view peer = kPeer) {
  broker::ConnectFacts facts;
  facts.client_id = client;
  facts.peer_address = peer;
  return facts;
}

using CheckEnd = broker::Doorkeeper::CheckEnd;

// One log-in: asked about, and decided at once.
bool log_in(Admission& admission, CheckEnd end, const Now& now, std::string_view peer = kPeer) {
  const auto check = admission.begin_check(peer, now);
  if (check) admission.checked(*check, peer, end, now);
  return check.has_value();
}

class KeptLines final : public broker::Log {
 public:
  bool wants(broker::LogLevel) const override { return true; }
  std::vector<std::string> lines;

 private:
  void put(broker::LogLevel, std::string_view text, const broker::LogSubject&) override { lines.emplace_back(text); }
};

std::string stranger(int i) {
  return fmt::format("10.{}.{}.{}:1", i >> 16 & 255, i >> 8 & 255, i & 255);
}

TEST(Admission, AnAddressIsOneWhateverItsPort) {
  const Admission admission({}, 7);
  EXPECT_NE(admission.key_of(kPeer), 0u);
  EXPECT_EQ(admission.key_of(kPeer), admission.key_of("192.0.2.1:1"));
  EXPECT_NE(admission.key_of(kPeer), admission.key_of("192.0.2.2:50123"));
  EXPECT_EQ(admission.key_of("[2001:db8:1:2::1]:5"), admission.key_of("[2001:db8:1:2:ffff::9]:7"))
      << "a customer's network";
  EXPECT_NE(admission.key_of("[2001:db8:1:2::1]:5"), admission.key_of("[2001:db8:1:3::1]:5"));
  EXPECT_EQ(admission.key_of("127.0.0.1:9"), 0u) << "exempt";
  EXPECT_EQ(admission.key_of("[::1]:9"), 0u);
}

TEST(Admission, BoundsTheRateAndTheNumberOfConnections) {
  AbuseOptions options;
  options.connections_per_address = 10;
  options.connection_burst = 3;
  Admission admission(options, 7);
  const AddressKey key = admission.key_of(kPeer);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(admission.enter(key, at(0)), Entry::admitted);
  EXPECT_EQ(admission.enter(key, at(0)), Entry::rate);
  EXPECT_EQ(admission.enter(admission.key_of("192.0.2.9:1"), at(0)), Entry::admitted);
  EXPECT_EQ(admission.enter(key, at(100)), Entry::admitted);
  EXPECT_EQ(admission.enter(key, at(100)), Entry::rate);

  options.connections_per_address = 0;
  options.max_connections_per_address = 5;
  admission.apply(options);
  EXPECT_EQ(admission.enter(key, at(200)), Entry::admitted) << "four are there";
  EXPECT_EQ(admission.enter(key, at(200)), Entry::too_many);
  admission.leave(key, at(200));
  EXPECT_EQ(admission.enter(key, at(200)), Entry::admitted);
}

TEST(Admission, BansAfterWrongPasswordsEachTimeForLonger) {
  AbuseOptions options;
  options.failures_before_ban = 3;
  options.ban_time_ms = 1'000;
  options.ban_time_max_ms = 3'000;
  Admission admission(options, 7);
  const AddressKey key = admission.key_of(kPeer);
  const auto fail_thrice = [&](std::int64_t now_ms) {
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(admission.admit(facts("c"), at(now_ms)), wire::ReasonCode::success);
      log_in(admission, CheckEnd::refused, at(now_ms));
    }
  };
  fail_thrice(0);
  EXPECT_EQ(admission.enter(key, at(1)), Entry::banned) << "before any TLS or password work";
  EXPECT_EQ(admission.admit(facts("other"), at(1)), wire::ReasonCode::banned) << "connections that were open already";
  ASSERT_EQ(admission.bans(at(1)).size(), 1u);
  EXPECT_EQ(admission.bans(at(1))[0].who, "192.0.2.1");
  EXPECT_EQ(admission.enter(key, at(1'000)), Entry::admitted);
  fail_thrice(1'100);
  EXPECT_EQ(admission.enter(key, at(3'000)), Entry::banned) << "twice as long";
  EXPECT_EQ(admission.enter(key, at(3'101)), Entry::admitted);
  fail_thrice(3'200);
  EXPECT_EQ(admission.enter(key, at(6'199)), Entry::banned);
  EXPECT_EQ(admission.enter(key, at(6'200)), Entry::admitted) << "no longer than the longest";
  fail_thrice(6'300);
  EXPECT_FALSE(admission.lift("192.0.2.7", at(6'301)));
  EXPECT_TRUE(admission.lift("192.0.2.1", at(6'301)));
  EXPECT_EQ(admission.enter(key, at(6'302)), Entry::admitted);
}

TEST(Admission, FailuresFarApartAreNoAttack) {
  AbuseOptions options;
  options.failures_before_ban = 2;
  options.failure_window_ms = 1'000;
  Admission admission(options, 7);
  for (int i = 0; i < 20; ++i) log_in(admission, CheckEnd::refused, at(i * 1'000));
  EXPECT_TRUE(admission.bans(at(20'000)).empty());
}

TEST(Admission, AClientThatFlapsIsSentAway) {
  AbuseOptions options;
  options.flapping_connects = 5;
  options.flapping_window_ms = 10'000;
  options.ban_time_ms = 1'000;
  KeptLines log;
  Admission admission(options, 7, &log);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(admission.admit(facts("c"), at(i)), wire::ReasonCode::success);
    admission.identified(facts("c"), at(i));
  }
  EXPECT_EQ(admission.admit(facts("c"), at(6)), wire::ReasonCode::banned);
  EXPECT_EQ(admission.admit(facts("d"), at(6)), wire::ReasonCode::success);
  EXPECT_EQ(admission.bans(at(7))[0].who, "c");
  EXPECT_TRUE(admission.bans(at(7))[0].is_client);
  EXPECT_EQ(admission.admit(facts("c"), at(1'007)), wire::ReasonCode::success);
  EXPECT_THAT(log.lines,
              ElementsAre("client \"c\" is banned for 1 s: 6 connections in 10 s (abuse.flapping_connects)"));
}

TEST(Admission, NobodyHasAnothersClientIdentifierBanned) {
  AbuseOptions options;
  options.flapping_connects = 2;
  options.failures_before_ban = 0;
  Admission admission(options, 7);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(admission.admit(facts("victim", "203.0.113.9:4"), at(i)), wire::ReasonCode::success);
    log_in(admission, CheckEnd::refused, at(i), "203.0.113.9:4");
  }
  EXPECT_EQ(admission.admit(facts("victim"), at(21)), wire::ReasonCode::success);
}

TEST(Admission, SaysInTheLogWhoIsBannedAndWhy) {
  KeptLines log;
  Admission admission({}, 7, &log);
  for (int i = 0; i < 9; ++i) log_in(admission, CheckEnd::refused, at(i));
  EXPECT_THAT(log.lines, IsEmpty());
  log_in(admission, CheckEnd::refused, at(9));
  EXPECT_THAT(log.lines, ElementsAre("address 192.0.2.1 is banned for 60 s: 10 wrong passwords in 60 s "
                                     "(abuse.failures_before_ban)"));
}

TEST(Admission, OneAddressWaitsForSoManyChecksAndNoMore) {
  AbuseOptions options;
  options.max_checks_per_address = 3;
  Admission admission(options, 7);
  std::vector<broker::Doorkeeper::Check> checks;
  for (int i = 0; i < 3; ++i) {
    const auto check = admission.begin_check(kPeer, at(i));
    ASSERT_TRUE(check.has_value());
    checks.push_back(*check);
  }
  EXPECT_FALSE(admission.begin_check(kPeer, at(3)).has_value());
  EXPECT_TRUE(log_in(admission, CheckEnd::allowed, at(3), "192.0.2.2:5")) << "others are not kept out";
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(admission.begin_check("127.0.0.1:5", at(3)).has_value()) << "exempt";
  admission.checked(checks[0], kPeer, CheckEnd::undecided, at(4));
  EXPECT_TRUE(log_in(admission, CheckEnd::allowed, at(5)));
  // Who is exempt since it began: what was counted is taken back all the same.
  options.exempt = {"192.0.2.0/24"};
  admission.apply(options);
  for (std::size_t i = 1; i < 3; ++i) admission.checked(checks[i], kPeer, CheckEnd::allowed, at(6));
  options.exempt = {};
  admission.apply(options);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(admission.begin_check(kPeer, at(7)).has_value());
  EXPECT_FALSE(admission.begin_check(kPeer, at(7)).has_value());
}

TEST(Admission, AnswersUnderWayWhenTheBanCameMakeItNoLonger) {
  AbuseOptions options;
  options.failures_before_ban = 2;
  options.ban_time_ms = 1'000;
  Admission admission(options, 7);
  std::vector<broker::Doorkeeper::Check> checks;
  for (int i = 0; i < 10; ++i) checks.push_back(*admission.begin_check(kPeer, at(0)));
  for (const auto check : checks) admission.checked(check, kPeer, CheckEnd::refused, at(1));
  ASSERT_EQ(admission.bans(at(1)).size(), 1u);
  EXPECT_EQ(admission.bans(at(1))[0].left_ms, 1'000);
}

TEST(Admission, WrongPasswordsAreNotForgottenForMereConnections) {
  AbuseOptions options;
  options.failures_before_ban = 3;
  Admission admission(options, 7);
  for (int i = 0; i < 2; ++i) log_in(admission, CheckEnd::refused, at(0));
  for (int i = 0; i < 600'000; ++i) {
    const AddressKey key = admission.key_of(stranger(i));
    ASSERT_EQ(admission.enter(key, at(1)), Entry::admitted);
    admission.leave(key, at(1));
  }
  EXPECT_LE(admission.remembered(), Admission::kShards * RecordTable::kMostUnheld);
  log_in(admission, CheckEnd::refused, at(2));
  EXPECT_EQ(admission.enter(admission.key_of(kPeer), at(3)), Entry::banned);
}

TEST(Admission, EveryOpenConnectionCountsHoweverManyThereAre) {
  AbuseOptions options;
  options.max_connections_per_address = 1;
  Admission admission(options, 7);
  constexpr int kMany = 400'000;
  for (int i = 0; i < kMany; ++i) ASSERT_EQ(admission.enter(admission.key_of(stranger(i)), at(0)), Entry::admitted);
  for (int i = 0; i < kMany; i += 1'000) {
    ASSERT_EQ(admission.enter(admission.key_of(stranger(i)), at(1)), Entry::too_many);
  }
  for (int i = 0; i < kMany; ++i) admission.leave(admission.key_of(stranger(i)), at(2));
  EXPECT_LE(admission.remembered(), Admission::kShards * RecordTable::kMostUnheld);
}

TEST(Admission, BansStayAndStrangersComeInSlowlyWhenAllThatIsRememberedMatters) {
  AbuseOptions options;
  options.failures_before_ban = 1;
  options.ban_time_ms = 3'000'000;
  Admission admission(options, 7);
  log_in(admission, CheckEnd::refused, at(0));
  options.failures_before_ban = 1'000;
  admission.apply(options);
  for (int i = 0; i < 600'000; ++i) log_in(admission, CheckEnd::refused, at(1), stranger(i));
  EXPECT_LE(admission.remembered(), Admission::kShards * RecordTable::kMostUnheld);
  EXPECT_EQ(admission.enter(admission.key_of(kPeer), at(2)), Entry::banned);
  const auto let_in = [&](std::int64_t at_ms) {
    int count = 0;
    for (int i = 1'000'000; i < 1'010'000; ++i) {
      const AddressKey key = admission.key_of(stranger(i));
      if (admission.enter(key, at(at_ms)) == Entry::admitted) ++count;
      admission.leave(key, at(at_ms));
    }
    return count;
  };
  const int at_once = let_in(3);
  EXPECT_GT(at_once, 0);
  EXPECT_LE(at_once, Admission::kShards * Admission::kStrangersAtOnce);
  EXPECT_EQ(let_in(1'003), Admission::kShards * Admission::kStrangersPerSecond);
  EXPECT_EQ(admission.enter(admission.key_of(stranger(599'999)), at(1'004)), Entry::admitted) << "one that is known";
  EXPECT_EQ(let_in(120'000), 10'000) << "what they did counts no longer";
}

}  // namespace
}  // namespace martlet::server
