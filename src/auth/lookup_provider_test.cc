#include "auth/lookup_provider.h"

#include <gtest/gtest.h>

#include <deque>
#include <stdexcept>
#include <vector>

#include "env/posix/system.h"
#include "env/sim/clock.h"

namespace martlet::auth {
namespace {

using Kind = Opinion::Kind;

class LookupProviderTest : public ::testing::Test {
 protected:
  // Answers with what the test put down for it.
  class Service final : public Lookup {
   public:
    explicit Service(LookupProviderTest& test) : test_(test) {}
    Asked ask(const Credentials&, std::int64_t, const env::Deadline& deadline) override {
      ++test_.asked_;
      test_.time_given_ms_ = deadline.left_ms();
      if (test_.throws_) throw std::runtime_error("out of something");
      Asked next = test_.answers_.front();
      test_.answers_.pop_front();
      return next;
    }

   private:
    LookupProviderTest& test_;
  };

  void make(std::uint32_t cache_s) {
    ProviderOptions options;
    options.name = "users";
    options.timeout_ms = 1'500;
    options.cache_s = cache_s;
    auto clock = std::make_unique<env::sim::SimulatedClock>();
    clock_ = clock.get();
    provider_ = make_lookup_provider(options, {"redis", AnswerCache::Scope::claim, std::move(clock), *entropy_},
                                     std::make_unique<Service>(*this));
  }
  Opinion check() { return provider_->check(credentials_, clock_->now().wall_ms); }

  std::unique_ptr<env::Entropy> entropy_ = env::posix::make_entropy();
  env::sim::SimulatedClock* clock_ = nullptr;
  std::unique_ptr<Provider> provider_;
  std::deque<Asked> answers_;
  bool throws_ = false;
  int asked_ = 0;
  std::int64_t time_given_ms_ = 0;
  Credentials credentials_{"client", "ann", std::vector<std::uint8_t>{'x'}, "192.0.2.1:1", "tls", 0, nullptr};
};

TEST_F(LookupProviderTest, AsksWithItsTimeLimitAndGivesTheAnswer) {
  make(0);
  answers_ = {{Opinion::allow()}, {Opinion::refuse("wrong password")}, {Opinion::unknown()}};
  EXPECT_TRUE(provider_->blocks());
  EXPECT_EQ(provider_->name(), "users");
  EXPECT_EQ(check().kind, Kind::allow);
  EXPECT_EQ(time_given_ms_, 1'500);
  const Opinion refused = check();
  EXPECT_EQ(refused.kind, Kind::refuse);
  EXPECT_EQ(refused.reason, "redis 'users': wrong password");
  EXPECT_EQ(check().kind, Kind::unknown);
}

TEST_F(LookupProviderTest, AServiceThatIsNotReachedIsLeftAlone) {
  make(0);
  answers_ = {Asked::unreached("connection refused"), {Opinion::allow()}};
  EXPECT_EQ(check().reason, "redis 'users': connection refused");
  clock_->advance(400);
  const Opinion turned_away = check();
  EXPECT_EQ(turned_away.kind, Kind::failed);
  EXPECT_EQ(turned_away.reason, "redis 'users' is not asked for 600 ms more, since: connection refused");
  EXPECT_EQ(asked_, 1);
  clock_->advance(600);
  EXPECT_EQ(check().kind, Kind::allow);
}

// Else one client with an odd name could keep all others out.
TEST_F(LookupProviderTest, AnAnswerOfNoUseIsNoReasonToLeaveTheServiceAlone) {
  make(0);
  answers_ = {Asked::useless("odd"), {Opinion::allow()}};
  EXPECT_EQ(check().kind, Kind::failed);
  EXPECT_EQ(check().kind, Kind::allow);
}

TEST_F(LookupProviderTest, AProbeThatDidNotAskLeavesItToTheNext) {
  make(0);
  answers_ = {Asked::unreached("down"), Asked::untried("busy"), {Opinion::allow()}};
  check();
  clock_->advance(1'000);
  EXPECT_EQ(check().reason, "redis 'users': busy");
  EXPECT_EQ(check().kind, Kind::allow);
}

TEST_F(LookupProviderTest, RemembersAnswersButNoFailures) {
  make(60);
  answers_ = {Asked::useless("odd"), {Opinion::allow()}, {Opinion::refuse("wrong")}};
  EXPECT_EQ(check().kind, Kind::failed);
  EXPECT_EQ(check().kind, Kind::allow);
  EXPECT_EQ(check().kind, Kind::allow);
  EXPECT_EQ(asked_, 2);
  credentials_.password->push_back('y');
  EXPECT_EQ(check().kind, Kind::refuse);
  EXPECT_EQ(asked_, 3);
}

TEST_F(LookupProviderTest, WhatIsRememberedIsGoodWhileTheServiceIsDown) {
  make(60);
  answers_ = {{Opinion::allow()}, Asked::unreached("down")};
  check();
  Credentials other = credentials_;
  other.client_id = "other";
  EXPECT_EQ(provider_->check(other, clock_->now().wall_ms).kind, Kind::failed);
  EXPECT_EQ(check().kind, Kind::allow);
}

TEST_F(LookupProviderTest, ExceptionsEndInAFailure) {
  make(0);
  throws_ = true;
  EXPECT_EQ(check().reason, "redis 'users': out of something");
}

TEST_F(LookupProviderTest, WhatAServiceSaysIsSafeToShow) {
  make(0);
  answers_ = {Asked::useless("line\nbreak " + std::string(5'000, 'x'))};
  const Opinion opinion = check();
  EXPECT_EQ(opinion.reason.find('\n'), std::string::npos);
  EXPECT_LT(opinion.reason.size(), 400u);
}

}  // namespace
}  // namespace martlet::auth
