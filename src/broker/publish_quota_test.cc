// Publish rates: buckets, and clients that are held by them.
#include "broker/publish_quota.h"

#include <gmock/gmock.h>

#include "broker/testing/broker_fixture.h"
#include "broker/user_quotas.h"

namespace martlet::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(TokenBucket, HoldsOneSecondsWorth) {
  TokenBucket bucket(4, 1'000);
  for (int i = 0; i < 3; ++i) bucket.take(1, 1'000);
  EXPECT_EQ(bucket.ready_at(1'000), 1'000);
  bucket.take(1, 1'000);
  EXPECT_EQ(bucket.ready_at(1'000), 1'250);
  EXPECT_EQ(bucket.ready_at(1'100), 1'250);
  EXPECT_EQ(bucket.ready_at(900), 1'250 - 200) << "of a core whose clock is behind: as seen from there";
  EXPECT_FALSE(bucket.full(1'900));
  EXPECT_TRUE(bucket.full(9'000));
  for (int i = 0; i < 4; ++i) bucket.take(1, 9'000);
  EXPECT_EQ(bucket.ready_at(9'000), 9'250) << "no more than that is saved";
}

TEST(TokenBucket, WhatIsLargerThanItPassesAndCosts) {
  TokenBucket bucket(100, 0);
  bucket.take(1'000, 0);
  EXPECT_EQ(bucket.ready_at(0), 9'010);
  TokenBucket none(0, 0);
  none.take(1'000, 0);
  EXPECT_EQ(none.ready_at(0), 0);
}

TEST(UserQuotas, RememberWhoStillHasADebt) {
  UserQuotas users;
  const PublishRates rates{10, 0};
  auto quota = users.of("user", rates, 0);
  EXPECT_EQ(users.of("user", rates, 0), quota);
  quota->take(1, 0);
  quota.reset();
  for (int i = 0; i < 1'000; ++i) users.of("other " + std::to_string(i), rates, 0);
  EXPECT_LE(users.size(), 65u) << "who is gone and owes nothing is forgotten";
  EXPECT_EQ(users.of("user", rates, 0)->full(0), false);
  for (int i = 0; i < 200; ++i) users.of("other " + std::to_string(i), rates, 200);
  EXPECT_TRUE(users.of("user", rates, 200)->full(200));
}

class PublishQuotaTest : public testing::BrokerFixture {
 protected:
  std::size_t acknowledged(ConnectionId id) { return written(id).size(); }
};

TEST_F(PublishQuotaTest, AClientIsHeldAndLosesNothing) {
  options_.publish_rate_per_s = 2;
  wire::Connect packet = hello("c");
  packet.keep_alive_s = 1;
  const ConnectionId id = connect(packet);
  written(id);
  for (int i = 0; i < 6; ++i) publish(id, "t", 1);
  EXPECT_EQ(acknowledged(id), 2u);
  EXPECT_TRUE(transport_.at(id).paused);
  EXPECT_EQ(broker().next_deadline(), 1'500) << "nothing is polled";
  pass_ms(499);
  EXPECT_EQ(acknowledged(id), 0u);
  for (int i = 0; i < 4; ++i) {
    pass_ms(i == 0 ? 1 : 500);
    broker().run_timers(now_);
    EXPECT_EQ(acknowledged(id), 1u);
  }
  // It stays the server's silence, not the client's, until it is read again.
  EXPECT_TRUE(transport_.is_open(id));
  pass_ms(500);
  EXPECT_FALSE(transport_.at(id).paused);
  EXPECT_EQ(log_.count("publishes faster"), 1u);
  pass_ms(1'500);
  EXPECT_FALSE(transport_.is_open(id));
}

TEST_F(PublishQuotaTest, BytesCountToo) {
  add_listener();
  add_listener().publish_bytes_per_s = 100;
  const ConnectionId free = connect("free", 0, 0);
  publish(free, "t", 1, std::string(10'000, 'x'));
  publish(free, "t", 1);
  EXPECT_EQ(acknowledged(free), 2u);
  const ConnectionId id = connect("c", 0, 1);
  publish(id, "t", 1, std::string(999, 'x'));
  EXPECT_EQ(acknowledged(id), 1u) << "though it is larger than what a second gives";
  publish(id, "t", 1);
  pass_ms(9'009);
  EXPECT_EQ(acknowledged(id), 0u);
  pass_ms(1);
  broker().run_timers(now_);
  EXPECT_EQ(acknowledged(id), 1u);
}

TEST_F(PublishQuotaTest, ClientsOfAUserShare) {
  options_.user_publish_rate_per_s = 2;
  const ConnectionId one = connect("one", 0, 0, "user");
  const ConnectionId two = connect("two", 0, 0, "user");
  const ConnectionId other = connect("other", 0, 0, "somebody else");
  const ConnectionId anonymous = connect("nobody");
  for (const ConnectionId id : {one, two, other}) {
    for (int i = 0; i < 2; ++i) publish(id, "t", 1);
  }
  for (int i = 0; i < 5; ++i) publish(anonymous, "t", 1);
  EXPECT_EQ(acknowledged(one), 2u);
  EXPECT_EQ(acknowledged(two), 1u) << "the first one passed before the account was looked at";
  EXPECT_EQ(acknowledged(other), 2u);
  EXPECT_EQ(acknowledged(anonymous), 5u);
  pass_ms(1'000);
  broker().run_timers(now_);
  EXPECT_EQ(acknowledged(two), 1u);
  lose(two);
  EXPECT_EQ(written(connect(hello("one"))).size(), 1u);
}

TEST_F(PublishQuotaTest, HeldAndAwaitedAtOnce) {
  options_.publish_rate_per_s = 1;
  access_.on_publish = [](const Actor&, std::string_view) { return AccessDecision::wait(); };
  const ConnectionId id = connect("c");
  publish(id, "t", 1);
  publish(id, "t", 1);
  pass_ms(2'000);
  EXPECT_TRUE(transport_.at(id).paused);
  broker().answered(access_.question, AccessDecision::allow(), now_);
  broker().run_timers(now_);
  EXPECT_EQ(acknowledged(id), 1u);
  broker().answered(access_.question, AccessDecision::allow(), now_);
  EXPECT_EQ(acknowledged(id), 1u);
  EXPECT_TRUE(transport_.at(id).paused) << "the second one took its token when it came";
  pass_ms(1'000);
  EXPECT_FALSE(transport_.at(id).paused);
}

TEST_F(PublishQuotaTest, WhatCameBeforeTheEndOfTheConnectionCounts) {
  options_.publish_rate_per_s = 1;
  const ConnectionId subscriber = connect("s");
  subscribe(subscriber, {"t"});
  written(subscriber);
  const ConnectionId id = connect("c");
  for (int i = 0; i < 3; ++i) publish(id, "t");
  EXPECT_THAT(written(subscriber), SizeIs(1));
  lose(id);
  EXPECT_THAT(written(subscriber), SizeIs(2));
}

}  // namespace
}  // namespace martlet::broker
