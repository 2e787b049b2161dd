#include "auth/chain.h"

#include <gtest/gtest.h>

#include <future>
#include <source_location>

#include "auth/make_chain.h"
#include "auth/testing/counting_entropy.h"
#include "auth/testing/fakes.h"

namespace martlet::auth {
namespace {

using broker::AuthDecision;
using wire::ReasonCode;
using Kind = AuthDecision::Kind;

constexpr const char* kSha =
    "carol:$6$Hd0M8TsUhDPCb7m0$2/Vx6nOthYfbf612052OzR6vcjb1a05g3g+anMK0WYplfVCO3Qp7Z0SqLJ73qQR/eC/"
    "SeJswdbRsF4jvr5wz4Q==\n";
constexpr const char* kPbkdf2 =
    "alice:$7$101$Z/C4cPA+8w8111Sw$Z/3jL4E//"
    "jp4OvZjjIixk9SDO0QlkgtHn+bnXW2RvBYdL1UIfT3P4nlUMVwYNVEVEP2RItz6tRt7zclKUIyQew==\n";
constexpr const char* kScram =
    "user:SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=\n";

// Says what it is told to, and counts.
class Scripted final : public Provider {
 public:
  Scripted(std::string name, bool blocks, std::function<Opinion(const Credentials&)> says)
      : name_(std::move(name)), blocks_(blocks), says_(std::move(says)) {}
  std::string_view name() const override { return name_; }
  bool blocks() const override { return blocks_; }
  Opinion check(const Credentials& credentials, std::int64_t) override { return says_(credentials); }

 private:
  const std::string name_;
  const bool blocks_;
  const std::function<Opinion(const Credentials&)> says_;
};

class ChainTest : public ::testing::Test {
 protected:
  ChainLink link(std::string name, bool blocks, std::function<Opinion(const Credentials&)> says) {
    ChainLink made;
    made.provider = std::make_unique<Scripted>(std::move(name), blocks, std::move(says));
    return made;
  }
  template <class... Links>
  std::shared_ptr<Chain> chain(Links... links) {
    std::vector<ChainLink> all;
    (all.push_back(std::move(links)), ...);
    return made(Chain::make(options_, std::move(all), ports_));
  }
  std::shared_ptr<Chain> from_files(const std::map<std::string, std::string>& files) {
    files_.files = files;
    options_.providers.clear();
    for (const auto& [path, text] : files) {
      ProviderOptions provider;
      provider.name = provider.path = path;
      options_.providers.push_back(provider);
    }
    return made(make_chain(options_, files_, ports_));
  }
  static std::shared_ptr<Chain> made(Result<std::shared_ptr<Chain>> chain) {
    EXPECT_TRUE(chain) << (chain ? "" : chain.error().message);
    return chain ? *chain : nullptr;
  }

  broker::ConnectFacts facts(std::optional<std::string_view> username, std::optional<std::string_view> password) {
    broker::ConnectFacts facts;
    facts.client_id = "client";
    facts.username = username;
    if (password) facts.password = as_bytes(*password);
    facts.question.number = ++number_;
    facts.answers = &answers_;
    return facts;
  }
  // What is decided, at once or later.
  AuthDecision decide(Chain& chain, const broker::ConnectFacts& facts) {
    AuthDecision decision = chain.authenticate(facts);
    later_ = decision.kind == Kind::pending;
    return later_ ? answers_.wait(facts.question.number) : decision;
  }
  AuthDecision decide(Chain& chain, std::optional<std::string_view> username,
                      std::optional<std::string_view> password) {
    return decide(chain, facts(username, password));
  }

  testing::HandClock clock_;
  testing::CountingEntropy entropy_;
  testing::KeptLog log_;
  testing::FakeAnswers answers_;
  testing::FileMap files_;
  AuthOptions options_{.providers = {}, .access = {}, .listeners = {ListenerAuth{}}, .workers = 1, .max_waiting = 10};
  Workers workers_{2, 10};
  const ChainPorts ports_{clock_, entropy_, workers_, log_};
  std::uint32_t number_ = 0;
  bool later_ = false;
};

void expect_refused(const AuthDecision& decision, ReasonCode why,
                    const std::source_location& where = std::source_location::current()) {
  EXPECT_EQ(decision.kind, Kind::refuse) << "line " << where.line();
  EXPECT_EQ(decision.reason, why) << "line " << where.line();
}

TEST_F(ChainTest, WithoutProvidersTheListenerDecides) {
  options_.listeners[0].allow_anonymous = true;
  auto open = chain();
  EXPECT_EQ(decide(*open, {}, {}).kind, Kind::allow);
  const AuthDecision named = decide(*open, "anybody", "anything");
  EXPECT_EQ(named.kind, Kind::allow);
  EXPECT_EQ(named.username, "");
  EXPECT_TRUE(named.anonymous) << "nobody has checked the name";
  options_.listeners[0].unchecked_user_names = true;
  EXPECT_FALSE(decide(*chain(), "anybody", "anything").anonymous);
  options_.listeners[0].allow_anonymous = false;
  auto closed = chain();
  expect_refused(decide(*closed, {}, {}), ReasonCode::not_authorized);
  expect_refused(decide(*closed, "anybody", "anything"), ReasonCode::bad_user_name_or_password);
}

TEST_F(ChainTest, AFileThatIsCheapIsAskedAtOnceAndOneThatIsNotByAWorker) {
  auto cheap = from_files({{"cheap", kSha}});
  EXPECT_EQ(decide(*cheap, "carol", "secret-carol").kind, Kind::allow);
  EXPECT_FALSE(later_);
  expect_refused(decide(*cheap, "carol", "secret"), ReasonCode::bad_user_name_or_password);
  expect_refused(decide(*cheap, "carol", {}), ReasonCode::bad_user_name_or_password);
  expect_refused(decide(*cheap, "dora", "secret"), ReasonCode::bad_user_name_or_password);
  expect_refused(decide(*cheap, {}, {}), ReasonCode::not_authorized);
  expect_refused(decide(*cheap, {}, "secret-carol"), ReasonCode::bad_user_name_or_password);

  auto both = from_files({{"1", kSha}, {"2", kPbkdf2}});
  EXPECT_EQ(decide(*both, "carol", "secret-carol").kind, Kind::allow);
  EXPECT_FALSE(later_);
  EXPECT_EQ(decide(*both, "alice", "secret-alice").kind, Kind::allow);
  EXPECT_TRUE(later_);
  expect_refused(decide(*both, "alice", "secret-carol"), ReasonCode::bad_user_name_or_password);
  expect_refused(decide(*both, "dora", "secret-alice"), ReasonCode::bad_user_name_or_password);
  EXPECT_TRUE(later_);
  expect_refused(decide(*both, {}, {}), ReasonCode::not_authorized);
  EXPECT_FALSE(later_) << "who shows nothing waits for no hash";
}

TEST_F(ChainTest, AClientIsToldTheSameWhetherItExistsOrNot) {
  auto users = from_files({{"1", kSha}});
  EXPECT_EQ(decide(*users, "carol", "x").reason_string, decide(*users, "nobody", "x").reason_string);
}

TEST_F(ChainTest, TheAnonymousAreThoseWithoutANameAlone) {
  options_.listeners[0].allow_anonymous = true;
  auto users = from_files({{"1", kSha}});
  EXPECT_EQ(decide(*users, {}, {}).kind, Kind::allow);
  expect_refused(decide(*users, "carol", "x"), ReasonCode::bad_user_name_or_password);
  expect_refused(decide(*users, "dora", "x"), ReasonCode::bad_user_name_or_password);
  expect_refused(decide(*users, "", "x"), ReasonCode::bad_user_name_or_password);
  expect_refused(decide(*users, "", {}), ReasonCode::bad_user_name_or_password);
}

TEST_F(ChainTest, TheFirstThatKnowsTheClientDecides) {
  int asked = 0;
  auto two =
      chain(link("1", false,
                 [](const Credentials& c) { return c.username == "a" ? Opinion::refuse("no") : Opinion::unknown(); }),
            link("2", true, [&](const Credentials& c) {
              ++asked;
              Opinion opinion = Opinion::allow();
              opinion.username = *c.username + "!";
              opinion.until_wall_ms = 42;
              opinion.grants = std::make_shared<ClientGrants>();
              return opinion;
            }));
  expect_refused(decide(*two, "a", "p"), ReasonCode::bad_user_name_or_password);
  EXPECT_EQ(asked, 0);
  const AuthDecision decision = decide(*two, "b", "p");
  EXPECT_EQ(decision.kind, Kind::allow);
  EXPECT_EQ(decision.username, "b!");
  EXPECT_EQ(decision.until_wall_ms, 42);
  EXPECT_NE(decision.grants, nullptr);
  EXPECT_EQ(asked, 1);
}

TEST_F(ChainTest, AListenerAsksItsOwnProviders) {
  options_.listeners.push_back(ListenerAuth{});
  options_.listeners[1].providers = {"2"};
  auto two = chain(link("1", false, [](const Credentials&) { return Opinion::allow(); }),
                   link("2", false, [](const Credentials&) { return Opinion::refuse("no"); }));
  broker::ConnectFacts client = facts("a", "p");
  EXPECT_EQ(decide(*two, client).kind, Kind::allow);
  client.listener_index = 1;
  expect_refused(decide(*two, client), ReasonCode::bad_user_name_or_password);
  client.listener_index = 2;
  expect_refused(decide(*two, client), ReasonCode::not_authorized);
}

TEST_F(ChainTest, AListenerMayAskNobody) {
  options_.listeners[0].providers = {std::string(kNoProviders)};
  const auto refuse = [](const Credentials&) { return Opinion::refuse("no"); };
  expect_refused(decide(*chain(link("1", false, refuse)), "a", "p"), ReasonCode::bad_user_name_or_password);
  options_.listeners[0].allow_anonymous = true;
  EXPECT_EQ(decide(*chain(link("1", false, refuse)), "a", "p").kind, Kind::allow);
}

// Else who names it for a listener lets everybody in there.
TEST_F(ChainTest, NoProviderIsCalledAsNobodyIs) {
  std::vector<ChainLink> links;
  links.push_back(link(std::string(kNoProviders), false, [](const Credentials&) { return Opinion::refuse("no"); }));
  const auto made = Chain::make(options_, std::move(links), ports_);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("\"none\""), std::string::npos) << made.error().message;
}

TEST_F(ChainTest, NamesHaveToFit) {
  options_.listeners[0].name = "main";
  options_.listeners[0].providers = {"usres"};
  std::vector<ChainLink> links;
  links.push_back(link("users", false, [](const Credentials&) { return Opinion::allow(); }));
  const auto unknown = Chain::make(options_, std::move(links), ports_);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message,
            "listener \"main\" names the [[authentication]] \"usres\", which is not there: did you mean \"users\"?");
  options_.listeners[0].providers.clear();
  std::vector<ChainLink> twice;
  for (int i = 0; i < 2; ++i) twice.push_back(link("a", false, [](const Credentials&) { return Opinion::allow(); }));
  EXPECT_FALSE(Chain::make(options_, std::move(twice), ports_));
}

TEST_F(ChainTest, WhatCannotBeAskedRefusesAndIsToldOnceInAWhile) {
  auto broken = chain(link("directory", false, [](const Credentials&) { return Opinion::failed("no route"); }),
                      link("2", false, [](const Credentials&) { return Opinion::allow(); }));
  for (int i = 0; i < 5; ++i) expect_refused(decide(*broken, "a", "p"), ReasonCode::server_unavailable);
  ASSERT_EQ(log_.warnings().size(), 1u);
  EXPECT_NE(log_.warnings()[0].find("\"directory\" cannot be asked: no route"), std::string::npos);
  EXPECT_EQ(log_.last_client(), facts("a", "p").client_id);
  clock_.mono_ms += 10'000;
  expect_refused(decide(*broken, "a", "p"), ReasonCode::server_unavailable);
  ASSERT_EQ(log_.warnings().size(), 2u);
  EXPECT_NE(log_.warnings()[1].find("(4 more"), std::string::npos) << log_.warnings()[1];
  auto throws = chain(link("1", true, [](const Credentials&) -> Opinion { throw std::runtime_error("boom"); }));
  expect_refused(decide(*throws, "a", "p"), ReasonCode::server_unavailable);
}

TEST_F(ChainTest, WithoutAWayToAnswerLaterAClientIsRefused) {
  auto slow = chain(link("1", true, [](const Credentials&) { return Opinion::allow(); }));
  broker::ConnectFacts client = facts("a", "p");
  client.answers = nullptr;
  expect_refused(slow->authenticate(client), ReasonCode::server_unavailable);
}

TEST_F(ChainTest, TooManyWhoWaitAreRefused) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  auto slow = chain(link("1", true, [released](const Credentials&) {
    released.wait();
    return Opinion::allow();
  }));
  int pending = 0;
  int busy = 0;
  for (int i = 0; i < 20; ++i) {
    const AuthDecision decision = slow->authenticate(facts("a", "p"));
    if (decision.kind == Kind::pending) ++pending;
    if (decision.kind == Kind::refuse && decision.reason == ReasonCode::server_busy) ++busy;
  }
  EXPECT_EQ(pending + busy, 20);
  EXPECT_GE(pending, 10);
  EXPECT_LE(pending, 12);
  release.set_value();
  EXPECT_EQ(decide(*slow, "a", "p").kind == Kind::pending, false);
}

TEST_F(ChainTest, TheBytesOfThoseWhoWaitAreBounded) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  Workers workers(1, 1'000'000);
  auto slow = made(Chain::make(options_,
                               [&] {
                                 std::vector<ChainLink> links;
                                 links.push_back(link("1", true, [released](const Credentials&) {
                                   released.wait();
                                   return Opinion::allow();
                                 }));
                                 return links;
                               }(),
                               {clock_, entropy_, workers, log_}));
  const std::string huge(65'535, 'x');
  std::size_t pending = 0;
  while (slow->authenticate(facts(huge, huge)).kind == Kind::pending) ++pending;
  EXPECT_LE(pending, Chain::kMaxWaitingBytes / (2 * huge.size()));
  EXPECT_GE(pending, Chain::kMaxWaitingBytes / (2 * huge.size() + 1'000));
  release.set_value();
  workers.stop(60'000);
}

TEST_F(ChainTest, IdentityFromTlsIsAllTheProof) {
  options_.listeners[0].identity_from_tls = true;
  options_.listeners[0].allow_anonymous = true;
  auto strict = from_files({{"1", std::string(kSha) + kScram}});
  PeerFacts peer;
  peer.certificate_name = "device";
  broker::ConnectFacts client = facts("carol", "wrong");
  client.peer = &peer;
  const AuthDecision decision = decide(*strict, client);
  EXPECT_EQ(decision.kind, Kind::allow);
  EXPECT_EQ(decision.username, "device");
  peer.certificate_name.clear();
  expect_refused(decide(*strict, client), ReasonCode::bad_user_name_or_password);
  expect_refused(decide(*strict, "carol", "secret-carol"), ReasonCode::bad_user_name_or_password);
  expect_refused(decide(*strict, {}, {}), ReasonCode::bad_user_name_or_password);
  EXPECT_EQ(strict->begin("SCRAM-SHA-256", client), nullptr);
}

TEST_F(ChainTest, ACertificateIsAProofWithoutAName) {
  ProviderOptions certificate;
  certificate.kind = ProviderKind::certificate;
  options_.providers = {certificate};
  auto made_one = made(make_chain(options_, files_, ports_));
  PeerFacts peer;
  peer.certificate_name = "device";
  broker::ConnectFacts client = facts({}, {});
  client.peer = &peer;
  EXPECT_EQ(decide(*made_one, client).username, "device");
  expect_refused(decide(*made_one, {}, {}), ReasonCode::not_authorized);
}

TEST_F(ChainTest, ScramIsThereWhereAFileHasItsKeys) {
  auto users = from_files({{"1", std::string(kSha) + kScram}});
  EXPECT_NE(users->begin("SCRAM-SHA-256", facts({}, {})), nullptr);
  EXPECT_EQ(users->begin("SCRAM-SHA-1", facts({}, {})), nullptr);
  auto without = from_files({{"1", kSha}});
  EXPECT_EQ(without->begin("SCRAM-SHA-256", facts({}, {})), nullptr);
}

TEST_F(ChainTest, WarnsOfAFileThatEverybodyCanRead) {
  files_.open_to_others = true;
  from_files({{"1", kSha}});
  ASSERT_EQ(log_.warnings().size(), 1u);
  EXPECT_NE(log_.warnings()[0].find("chmod"), std::string::npos);
}

TEST_F(ChainTest, NoPasswordIsLogged) {
  auto users = from_files({{"1", kSha}});
  const AuthDecision decision = decide(*users, "carol", "geheim");
  EXPECT_EQ((log_.all() + decision.detail + decision.reason_string).find("geheim"), std::string::npos);
}

TEST_F(ChainTest, ATokenInPlaceOfAUserNameIsNotLogged) {
  auto broken = chain(link("directory", false, [](const Credentials&) { return Opinion::failed("no route"); }));
  decide(*broken, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.AAAA", "p");
  EXPECT_EQ(log_.last_user(), "(a token)");
}

TEST_F(ChainTest, TheLogHearsMoreOfARefusalThanTheClient) {
  auto users = from_files({{"1", kSha}});
  const AuthDecision wrong = decide(*users, "carol", "geheim");
  const AuthDecision unknown = decide(*users, "mallory", "geheim");
  EXPECT_EQ(wrong.detail, "1: wrong password");
  EXPECT_EQ(unknown.detail, "the user is not known");
  EXPECT_EQ(wrong.reason_string, unknown.reason_string) << "a client learns no names";
  EXPECT_EQ(log_.all(), "") << "the broker writes the line";
}

}  // namespace
}  // namespace martlet::auth
