#include "auth/jwt_provider.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/make_jwt.h"
#include "auth/testing/fakes.h"
#include "auth/testing/jwt_signer.h"
#include "auth/testing/provider_contract.h"

namespace martlet::auth {
namespace {

using testing::credentials_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::hs256_token;
using testing::JwtSigner;
using Kind = Opinion::Kind;

constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";
constexpr std::int64_t kNow = 1'800'000'000'000;

std::string token_of(const std::string& claims) {
  return hs256_token(kSecret, R"({"alg":"HS256","typ":"JWT"})", claims);
}

class Jwt : public ::testing::Test {
 protected:
  Jwt() {
    options_.name = "jwt";
    files_.files["secret"] = std::string(kSecret) + "\n";
    options_.kind = ProviderKind::jwt;
    options_.secret_file = "secret";
  }
  std::unique_ptr<Provider> make() {
    auto made = make_jwt(options_, files_, nullptr);
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    return made ? std::move(*made) : nullptr;
  }
  Opinion check(const std::string& username, const std::string& password) {
    return make()->check(credentials_of(username, password), kNow);
  }
  std::string problem() {
    const auto made = make_jwt(options_, files_, nullptr);
    return made ? "" : made.error().message;
  }

  testing::FileMap files_;
  ProviderOptions options_;
};

TEST_F(Jwt, KeepsTheContract) {
  testing::ProviderCase one;
  one.make = [this] { return make(); };
  one.right = [] { return credentials_of("alice", token_of(R"({"sub":"alice","exp":1900000000})")); };
  one.wrong = [] { return credentials_of("alice", token_of(R"({"sub":"alice"})") + "AAAA"); };
  one.unknown = [] { return credentials_of("alice", "secret"); };
  one.username = "alice";
  testing::expect_contract(one);
}

TEST_F(Jwt, NamesTheUserAndHisEnd) {
  const Opinion opinion = check("", token_of(R"({"sub":"alice","exp":1900000000,"groups":["a","b"]})"));
  ASSERT_EQ(opinion.kind, Kind::allow) << opinion.reason;
  EXPECT_EQ(opinion.username, "alice");
  EXPECT_EQ(opinion.until_wall_ms, 1'900'000'000'000);
  EXPECT_THAT(opinion.grants->groups, ElementsAre("a", "b"));
  EXPECT_FALSE(opinion.grants->has_rules);
}

TEST_F(Jwt, TheNameOfConnectHasToBeTheTokens) {
  const std::string token = token_of(R"({"sub":"alice"})");
  EXPECT_EQ(check("alice", token).kind, Kind::allow);
  EXPECT_EQ(check("", token).kind, Kind::allow);
  EXPECT_EQ(check("bob", token).kind, Kind::refuse);
  EXPECT_EQ(check("alice", token_of("{}")).kind, Kind::refuse);
  EXPECT_EQ(check("", token_of(R"({"sub":""})")).kind, Kind::refuse);
  EXPECT_EQ(check("", token_of(R"({"sub":"a\u0000b"})")).kind, Kind::refuse);
  EXPECT_EQ(check("", token_of(R"({"sub":5})")).kind, Kind::refuse);
  options_.username_claim.clear();
  EXPECT_EQ(check("bob", token).username, "bob");
  EXPECT_EQ(check("", token).kind, Kind::refuse);
}

TEST_F(Jwt, ClaimsMayBeInside) {
  options_.groups_claim = "realm_access.roles";
  options_.username_claim = "user.name";
  const Opinion opinion = check("", token_of(R"({"user":{"name":"alice"},"realm_access":{"roles":["r"]}})"));
  EXPECT_EQ(opinion.username, "alice");
  EXPECT_THAT(opinion.grants->groups, ElementsAre("r"));
  EXPECT_EQ(check("", token_of(R"({"user.name":"bob"})")).username, "bob");
  EXPECT_EQ(check("", token_of(R"({"user":"bob"})")).kind, Kind::refuse);
}

TEST_F(Jwt, RulesComeAlongOrTheTokenIsRefused) {
  const Opinion lists = check("", token_of(R"({"sub":"a","acl":{"pub":["t/%u"],"all":["x/#"]}})"));
  ASSERT_EQ(lists.kind, Kind::allow) << lists.reason;
  EXPECT_TRUE(lists.grants->has_rules);
  EXPECT_EQ(lists.grants->rules.size(), 2u);
  const Opinion rules =
      check("", token_of(R"({"sub":"a","acl":[{"permission":"deny","action":"subscribe","topic":"x/${clientid}"}]})"));
  ASSERT_EQ(rules.kind, Kind::allow) << rules.reason;
  ASSERT_EQ(rules.grants->rules.size(), 1u);
  EXPECT_FALSE(rules.grants->rules[0].allow);
  EXPECT_EQ(rules.grants->rules[0].filter, "x/%c");
  EXPECT_EQ(check("", token_of(R"({"sub":"a","acl":"everything"})")).kind, Kind::refuse);
  EXPECT_EQ(check("", token_of(R"({"sub":"a","groups":[5]})")).kind, Kind::refuse);
}

TEST_F(Jwt, ExpiredIsToldAndAnotherIssuersTokenIsNotKnown) {
  const Opinion expired = check("", token_of(R"({"sub":"a","exp":1700000000})"));
  EXPECT_EQ(expired.kind, Kind::refuse);
  EXPECT_EQ(expired.reason, "the token has expired");
  options_.issuer = "us";
  EXPECT_EQ(check("", token_of(R"({"sub":"a","iss":"us"})")).kind, Kind::allow);
  EXPECT_EQ(check("", token_of(R"({"sub":"a","iss":"them"})")).kind, Kind::unknown);
  EXPECT_EQ(check("", token_of(R"({"sub":"a"})")).kind, Kind::refuse);
}

TEST_F(Jwt, TheTokenMayBeTheUserName) {
  options_.token_from_username = true;
  const Opinion opinion = check(token_of(R"({"sub":"alice"})"), "");
  EXPECT_EQ(opinion.kind, Kind::allow);
  EXPECT_EQ(opinion.username, "alice");
  EXPECT_EQ(check("alice", token_of(R"({"sub":"alice"})")).kind, Kind::unknown);
}

TEST_F(Jwt, ReadsItsKeysOrSaysWhatIsMissing) {
  EXPECT_FALSE(make()->blocks());
  files_.files["slow"] = JwtSigner::ec("P-384").pem();
  options_.public_key_file = "slow";
  EXPECT_TRUE(make()->blocks());
  const JwtSigner signer = JwtSigner::ec("P-256");
  files_.files["pem"] = signer.pem();
  files_.files["set"] = nlohmann::json{{"keys", {signer.jwk("k")}}}.dump();
  for (const bool from_set : {false, true}) {
    options_ = {};
    options_.name = "jwt";
    (from_set ? options_.jwks : options_.public_key_file) = from_set ? "set" : "pem";
    EXPECT_EQ(check("", signer.token("ES256", R"({"sub":"a"})", R"(,"kid":"k")")).kind, Kind::allow);
  }
  options_ = {};
  options_.name = "jwt";
  EXPECT_THAT(problem(), HasSubstr("set secret_file, public_key_file or jwks"));
  options_.secret_file = "none";
  EXPECT_THAT(problem(), HasSubstr("cannot open 'none'"));
  files_.files["short"] = "short";
  options_.secret_file = "short";
  EXPECT_THAT(problem(), HasSubstr("short: the secret is shorter than 32 bytes"));
  options_.secret_file = "secret";
  options_.algorithms = {"none"};
  EXPECT_THAT(problem(), HasSubstr("\"none\" is none of HS256"));
  options_.algorithms.clear();
  options_.jwks = "ftp://example.org/";
  EXPECT_THAT(problem(), HasSubstr("jwks: "));
}

class KeyStore : public ::testing::Test {
 protected:
  JwtKeyStore store(std::int64_t refresh_ms = 300'000) {
    return {{},
            [this]() -> Result<std::string> {
              ++asked_;
              if (!answer_.empty()) return answer_;
              return fail("no route");
            },
            refresh_ms,
            [this](const std::string& text) { reports_.push_back(text); }};
  }
  static std::string set_with(const JwtSigner& signer, const std::string& id) {
    return nlohmann::json{{"keys", {signer.jwk(id)}}}.dump();
  }

  const JwtSigner signer_ = JwtSigner::ed25519();
  std::string answer_;
  int asked_ = 0;
  std::vector<std::string> reports_;
  std::int64_t now_ = kNow;
};

TEST_F(KeyStore, AsksAgainWhenItsKeysAreOldAndKeepsThemIfThatFails) {
  JwtKeyStore keys = store();
  EXPECT_TRUE(keys.is_slow());
  answer_ = set_with(signer_, "1");
  const auto first = keys.keys(now_);
  ASSERT_TRUE(first);
  EXPECT_EQ((*first)->front().id(), "1");
  EXPECT_EQ(*keys.keys(now_ += 299'999), *first);
  EXPECT_EQ(asked_, 1);
  answer_.clear();
  EXPECT_EQ(*keys.keys(now_ += 1), *first);
  EXPECT_EQ(asked_, 2);
  EXPECT_THAT(reports_, ElementsAre(HasSubstr("no route; the keys that are known are used on")));
  EXPECT_EQ(*keys.keys(now_ += 9'999), *first);
  EXPECT_EQ(asked_, 2) << "it waits before it tries again";
  answer_ = set_with(signer_, "2");
  EXPECT_EQ((*keys.keys(now_ += 1))->front().id(), "2");
  EXPECT_EQ(asked_, 3);
  EXPECT_EQ((*keys.keys(kNow - 1'000'000))->front().id(), "2");
  EXPECT_EQ(asked_, 4) << "a clock that was put back does not stop it";
}

TEST_F(KeyStore, HasNoneUntilItGotSome) {
  JwtKeyStore keys = store();
  EXPECT_FALSE(keys.keys(now_));
  EXPECT_FALSE(keys.keys(now_ + 5'000));
  EXPECT_EQ(asked_, 1);
  answer_ = "<html>";
  EXPECT_FALSE(keys.keys(now_ += 10'000));
  EXPECT_EQ(reports_.size(), 2u);
  answer_ = set_with(signer_, "1");
  EXPECT_TRUE(keys.keys(now_ += 10'000));
}

TEST_F(KeyStore, AsksForAnUnknownKeyOnceInAWhile) {
  JwtKeyStore keys = store();
  answer_ = set_with(signer_, "1");
  const auto first = *keys.keys(now_);
  EXPECT_EQ(keys.newer_than(first, now_ + 9'999), nullptr);
  EXPECT_EQ(asked_, 1);
  answer_ = set_with(signer_, "2");
  const auto second = keys.newer_than(first, now_ += 10'000);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->front().id(), "2");
  EXPECT_EQ(keys.newer_than(first, now_), second) << "another one got them";
  EXPECT_EQ(asked_, 2);
}

TEST_F(KeyStore, ATokenWithANewKeyIsTakenAtOnce) {
  JwtSettings settings{"jwt", {}, "sub", "", "", false};
  const JwtSigner next = JwtSigner::ed25519();
  answer_ = set_with(signer_, "1");
  const auto provider = make_jwt_provider(
      std::move(settings), std::make_unique<JwtKeyStore>(
                               JwtKeySet{}, [this]() -> Result<std::string> { return answer_; }, 300'000, nullptr));
  EXPECT_TRUE(provider->blocks());
  const auto check = [&](const JwtSigner& signer, const char* id) {
    const std::string token = signer.token("EdDSA", R"({"sub":"a"})", std::string(R"(,"kid":")") + id + "\"");
    return provider->check(credentials_of("a", token), now_).kind;
  };
  EXPECT_EQ(check(signer_, "1"), Kind::allow);
  answer_ = set_with(next, "2");
  EXPECT_EQ(check(next, "2"), Kind::refuse);
  now_ += 10'000;
  EXPECT_EQ(check(next, "2"), Kind::allow);
}

}  // namespace
}  // namespace martlet::auth
