#include "auth/answer_cache.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "env/posix/system.h"

namespace martlet::auth {
namespace {

constexpr std::int64_t kWall = 1'700'000'000'000;

Credentials claim(const std::string& user, const std::string& password, const std::string& client = "c") {
  Credentials credentials;
  credentials.client_id = client;
  credentials.username = user;
  credentials.password = std::vector<std::uint8_t>(password.begin(), password.end());
  credentials.peer_address = "192.0.2.1:50123";
  credentials.listener = "tls";
  return credentials;
}

class AnswerCacheTest : public ::testing::Test {
 protected:
  std::unique_ptr<env::Entropy> entropy_ = env::posix::make_entropy();
};

TEST_F(AnswerCacheTest, RemembersAnAllowanceForItsTime) {
  AnswerCache cache(*entropy_, "users", AnswerCache::Scope::claim, 60);
  const auto key = cache.key_of(claim("ann", "secret"));
  Opinion opinion = Opinion::allow();
  opinion.username = "ann2";
  cache.put(key, opinion, {0, kWall});
  const auto found = cache.find(key, {59'999, kWall});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, Opinion::Kind::allow);
  EXPECT_EQ(found->username, "ann2");
  EXPECT_FALSE(cache.find(key, {60'000, kWall}));
}

TEST_F(AnswerCacheTest, RefusalsAndUnknownClientsFiveSecondsAtMost) {
  AnswerCache cache(*entropy_, "users", AnswerCache::Scope::claim, 60);
  for (const Opinion& opinion : {Opinion::refuse("wrong"), Opinion::unknown()}) {
    const auto key = cache.key_of(claim("ann", std::to_string(static_cast<int>(opinion.kind))));
    cache.put(key, opinion, {0, kWall});
    EXPECT_TRUE(cache.find(key, {4'999, kWall}));
    EXPECT_FALSE(cache.find(key, {5'000, kWall}));
  }
  AnswerCache brief(*entropy_, "users", AnswerCache::Scope::claim, 2);
  const auto key = brief.key_of(claim("ann", "x"));
  brief.put(key, Opinion::refuse("wrong"), {0, kWall});
  EXPECT_FALSE(brief.find(key, {2'000, kWall}));
}

TEST_F(AnswerCacheTest, FailuresAreNotKeptNorAnythingWithoutTime) {
  AnswerCache cache(*entropy_, "users", AnswerCache::Scope::claim, 60);
  const auto key = cache.key_of(claim("ann", "x"));
  cache.put(key, Opinion::failed("down"), {0, kWall});
  EXPECT_FALSE(cache.find(key, {0, kWall}));
  AnswerCache off(*entropy_, "users", AnswerCache::Scope::claim, 0);
  off.put(key, Opinion::allow(), {0, kWall});
  EXPECT_FALSE(off.find(key, {0, kWall}));
  EXPECT_EQ(off.size(), 0u);
}

TEST_F(AnswerCacheTest, AnAllowanceThatExpiresIsNotGivenAfterwards) {
  AnswerCache cache(*entropy_, "users", AnswerCache::Scope::claim, 60);
  const auto key = cache.key_of(claim("ann", "x"));
  Opinion opinion = Opinion::allow();
  opinion.until_wall_ms = kWall + 1'000;
  cache.put(key, opinion, {0, kWall});
  EXPECT_TRUE(cache.find(key, {999, kWall + 999}));
  EXPECT_FALSE(cache.find(key, {1'000, kWall + 1'000}));
}

// Whatever a client changes in its claim, it does not get another's answer.
TEST_F(AnswerCacheTest, EveryPartOfTheClaimCounts) {
  AnswerCache cache(*entropy_, "users", AnswerCache::Scope::claim, 60);
  const Credentials base = claim("ann", "secret", "client");
  const auto key = cache.key_of(base);
  EXPECT_EQ(cache.key_of(claim("ann", "secret", "client")), key);
  for (const Credentials& other :
       {claim("ann", "secrets", "client"), claim("ann", "", "client"), claim("bob", "secret", "client"),
        claim("annsecret", "", "client"), claim("", "annsecret", "client"), claim("ann", "secret", "clientann")}) {
    EXPECT_NE(cache.key_of(other), key);
  }
  Credentials absent = claim("ann", "", "client");
  const auto empty_password = cache.key_of(absent);
  absent.password.reset();
  EXPECT_NE(cache.key_of(absent), empty_password);
}

TEST_F(AnswerCacheTest, AServiceThatIsToldOfTheTransportAnswersForItAlone) {
  AnswerCache narrow(*entropy_, "users", AnswerCache::Scope::claim, 60);
  AnswerCache wide(*entropy_, "users", AnswerCache::Scope::transport, 60);
  const Credentials base = claim("ann", "secret");
  const std::vector<std::function<void(Credentials&)>> changes{
      [](Credentials& c) { c.listener = "plain"; },
      [](Credentials& c) { c.peer_address = "192.0.2.2:50123"; },
      [](Credentials& c) {
        PeerFacts facts;
        facts.certificate_name = "ann";
        c.peer = std::make_shared<const PeerFacts>(facts);
      },
      [](Credentials& c) {
        PeerFacts facts;
        facts.address = "198.51.100.7:1";
        c.peer = std::make_shared<const PeerFacts>(facts);
      },
  };
  for (const auto& change : changes) {
    Credentials other = base;
    change(other);
    EXPECT_NE(wide.key_of(other), wide.key_of(base));
    EXPECT_EQ(narrow.key_of(other), narrow.key_of(base));
  }
  Credentials other_port = base;
  other_port.peer_address = "192.0.2.1:50999";
  EXPECT_EQ(wide.key_of(other_port), wide.key_of(base));
}

TEST_F(AnswerCacheTest, EachCacheHasItsOwnSecret) {
  AnswerCache one(*entropy_, "users", AnswerCache::Scope::claim, 60);
  AnswerCache two(*entropy_, "users", AnswerCache::Scope::claim, 60);
  EXPECT_NE(one.key_of(claim("ann", "secret")), two.key_of(claim("ann", "secret")));
}

TEST_F(AnswerCacheTest, Bounded) {
  AnswerCache cache(*entropy_, "users", AnswerCache::Scope::claim, 60);
  for (std::size_t i = 0; i < AnswerCache::kMaxEntries + 500; ++i)
    cache.put(cache.key_of(claim("ann", std::to_string(i))), Opinion::refuse("wrong"), {0, kWall});
  EXPECT_EQ(cache.size(), AnswerCache::kMaxEntries);
}

}  // namespace
}  // namespace martlet::auth
