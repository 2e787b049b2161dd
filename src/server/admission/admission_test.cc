#include "server/admission/admission.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "server/testing/kept_log.h"

namespace martlet::server {
namespace {

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
  admission.leave(key);
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
      admission.authenticated(facts("c"), false, at(now_ms));
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
  for (int i = 0; i < 20; ++i) admission.authenticated(facts("c"), false, at(i * 1'000));
  EXPECT_TRUE(admission.bans(at(20'000)).empty());
}

TEST(Admission, AClientThatFlapsIsSentAway) {
  AbuseOptions options;
  options.flapping_connects = 5;
  options.flapping_window_ms = 10'000;
  options.ban_time_ms = 1'000;
  Admission admission(options, 7);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(admission.admit(facts("c"), at(i)), wire::ReasonCode::success);
  EXPECT_EQ(admission.admit(facts("c"), at(6)), wire::ReasonCode::banned);
  EXPECT_EQ(admission.admit(facts("d"), at(6)), wire::ReasonCode::success);
  EXPECT_EQ(admission.bans(at(7))[0].who, "c");
  EXPECT_TRUE(admission.bans(at(7))[0].is_client);
  EXPECT_EQ(admission.admit(facts("c"), at(1'007)), wire::ReasonCode::success);
}

TEST(Admission, ABanIsLoggedOnceWithWhoCausedIt) {
  AbuseOptions options;
  options.failures_before_ban = 2;
  options.ban_time_ms = 60'000;
  options.flapping_connects = 1;
  KeptLog log;
  Admission admission(options, 7, &log);
  broker::ConnectFacts client = facts("c\n");
  client.username = "eve";
  client.listener = "main";
  for (int i = 0; i < 3; ++i) admission.authenticated(client, false, at(i));
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_EQ(log.lines[0],
            fmt::format("address \"{}\" is banned for 60 s: abuse.failures_before_ban; its last try: client \"c\\x0a\" "
                        "(user \"eve\") at {}",
                        admission.bans(at(3))[0].who, client.peer_address));
  EXPECT_EQ(log.facts[0], fmt::format("c\n|{}|eve|main reason=abuse.failures_before_ban banned={} seconds=60",
                                      client.peer_address, admission.bans(at(3))[0].who));
  const broker::ConnectFacts flapping = facts("d", "192.0.2.77:1");
  for (int i = 0; i < 3; ++i) admission.admit(flapping, at(i));
  ASSERT_EQ(log.lines.size(), 2u);
  EXPECT_EQ(log.lines[1].find("client \"d\" is banned for 60 s: abuse.flapping_connects"), 0u) << log.lines[1];
}

TEST(Admission, RemembersABoundedNumberOfAddressesAndKeepsThoseThatMatter) {
  AbuseOptions options;
  options.failures_before_ban = 1;
  options.ban_time_ms = 3'000'000;
  Admission admission(options, 7);
  admission.authenticated(facts("c"), false, at(0));
  options.failures_before_ban = 1'000;
  admission.apply(options);
  for (int i = 0; i < 600'000; ++i) {
    const std::string peer = fmt::format("10.{}.{}.{}:1", i >> 16 & 255, i >> 8 & 255, i & 255);
    admission.authenticated(facts("c", peer), false, at(1));
  }
  EXPECT_EQ(admission.enter(admission.key_of(kPeer), at(2)), Entry::banned);
}

}  // namespace
}  // namespace martlet::server
