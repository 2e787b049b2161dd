#include "auth/access_chain.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "auth/access_grants.h"
#include "auth/testing/access_actor.h"

namespace martlet::auth {
namespace {

using Kind = AccessOpinion::Kind;
using broker::AccessDecision;

class Fixed final : public AccessSource {
 public:
  Fixed(AccessOpinion opinion, bool checks_receive = false) : opinion_(opinion), checks_receive_(checks_receive) {}
  std::string_view name() const override { return "fixed"; }
  bool checks_receive() const override { return checks_receive_; }
  AccessOpinion check(const broker::Actor& actor, const AccessQuestion&) override {
    ++asked;
    had_answers = actor.answers != nullptr;
    return opinion_;
  }

  int asked = 0;
  bool had_answers = false;

 private:
  AccessOpinion opinion_;
  bool checks_receive_;
};

class NoAnswers final : public broker::Answers {
 public:
  void answer(const broker::QuestionId&, broker::AuthDecision) override {}
  void answer(const broker::QuestionId&, AccessDecision) override {}
};

std::shared_ptr<Fixed> says(Kind kind, const char* rule = "") {
  return std::make_shared<Fixed>(AccessOpinion{kind, rule});
}

std::string to_text(const AccessDecision& decision) {
  if (decision.pending) return "pending";
  const std::string kind = decision.allowed ? "allow" : "deny";
  return decision.rule[0] ? kind + " " + decision.rule : kind;
}

std::string published(AccessChain& chain, const broker::Actor& actor = {}) {
  return to_text(chain.may_publish(actor, "a", wire::QoS::at_most_once, false));
}

TEST(AccessChain, TheFirstOpinionDecides) {
  const auto last = says(Kind::deny, "last");
  AccessChain chain({says(Kind::unknown), says(Kind::allow, "second"), last}, {}, nullptr);
  EXPECT_EQ(published(chain), "allow second");
  EXPECT_EQ(to_text(chain.may_subscribe({}, "a", wire::QoS::at_most_once)), "allow second");
  EXPECT_EQ(to_text(chain.may_receive({}, "a")), "allow second");
  EXPECT_EQ(last->asked, 0);
}

TEST(AccessChain, WithoutAnOpinionItIsDenied) {
  AccessChain chain({says(Kind::unknown)}, {}, nullptr);
  EXPECT_EQ(published(chain), "deny no rule allows it");
  EXPECT_EQ(to_text(chain.may_subscribe({}, "a", wire::QoS::at_most_once)), "deny no rule allows it");
}

TEST(AccessChain, WithoutAnOpinionWhatWasSubscribedIsReceived) {
  AccessChain chain({says(Kind::unknown)}, {}, nullptr);
  EXPECT_EQ(to_text(chain.may_receive({}, "a")), "allow");
}

TEST(AccessChain, WithoutASourceAllIsAllowed) {
  AccessChain chain({}, {}, nullptr);
  EXPECT_EQ(published(chain), "allow");
  EXPECT_FALSE(chain.checks_receive());
}

TEST(AccessChain, ALateAnswerPasses) {
  NoAnswers answers;
  broker::Actor actor;
  actor.answers = &answers;
  AccessChain chain({says(Kind::pending), says(Kind::deny)}, {says(Kind::deny)}, nullptr);
  EXPECT_EQ(published(chain, actor), "pending");
  EXPECT_TRUE(chain.differences().empty());
  EXPECT_EQ(published(chain), "deny the answer would come too late");
}

TEST(AccessChain, ASuperuserIsAskedNothing) {
  TestActor actor;
  actor.grants.superuser = true;
  const auto source = says(Kind::deny);
  AccessChain chain({source}, {says(Kind::deny)}, nullptr);
  EXPECT_EQ(published(chain, actor.actor()), "allow superuser");
  EXPECT_EQ(source->asked, 0);
  EXPECT_TRUE(chain.differences().empty());
  EXPECT_TRUE(chain.explain(actor.actor(), publish("a")).decision.allowed);
}

TEST(AccessChain, ReceivingIsCheckedIfAnySourceDoes) {
  const auto checking = std::make_shared<Fixed>(AccessOpinion{}, true);
  EXPECT_TRUE(AccessChain({says(Kind::unknown), checking}, {}, nullptr).checks_receive());
  EXPECT_TRUE(AccessChain({}, {checking}, nullptr).checks_receive());
  EXPECT_FALSE(AccessChain({says(Kind::unknown)}, {}, nullptr).checks_receive());
}

TEST(AccessChain, AShadowOnlyReports) {
  std::vector<std::string> seen;
  NoAnswers answers;
  const auto shadow = says(Kind::deny, "new.toml:3");
  AccessChain chain({says(Kind::allow, "old.toml:1")}, {shadow},
                    [&](const ShadowDifference& difference) { seen.push_back(difference.who); });
  TestActor ann;
  ann.user = "ann";
  broker::Actor actor = ann.actor();
  actor.answers = &answers;
  EXPECT_EQ(published(chain, actor), "allow old.toml:1");
  EXPECT_EQ(published(chain, actor), "allow old.toml:1");
  EXPECT_EQ(published(chain, TestActor().actor()), "allow old.toml:1");
  EXPECT_FALSE(shadow->had_answers);
  const auto differences = chain.differences();
  ASSERT_EQ(differences.size(), 2u);
  EXPECT_EQ(differences[0].who, "ann");
  EXPECT_TRUE(differences[0].is_user);
  EXPECT_EQ(differences[0].count, 2u);
  EXPECT_EQ(differences[0].topic, "a");
  EXPECT_FALSE(differences[0].would_allow);
  EXPECT_STREQ(differences[0].rule, "new.toml:3");
  EXPECT_STREQ(differences[0].real_rule, "old.toml:1");
  EXPECT_EQ(differences[1].who, "c1");
  EXPECT_FALSE(differences[1].is_user);
  EXPECT_EQ(seen, (std::vector<std::string>{"ann", "c1"}));
}

TEST(AccessChain, AShadowThatAgreesReportsNothing) {
  AccessChain chain({says(Kind::deny, "x")}, {says(Kind::unknown)}, nullptr);
  EXPECT_EQ(published(chain), "deny x");
  EXPECT_TRUE(chain.differences().empty());
}

TEST(AccessChain, ShadowsAloneDecideNothing) {
  AccessChain chain({}, {says(Kind::unknown)}, nullptr);
  EXPECT_EQ(published(chain), "allow");
  ASSERT_EQ(chain.differences().size(), 1u);
  EXPECT_STREQ(chain.differences()[0].rule, "no rule allows it");
}

TEST(ShadowTable, IsBounded) {
  ShadowTable table(nullptr);
  ShadowDifference difference;
  for (std::size_t i = 0; i < ShadowTable::kMaxLines + 5; ++i) {
    difference.who = std::to_string(i);
    table.add(difference);
  }
  EXPECT_EQ(table.lines().size(), ShadowTable::kMaxLines);
  EXPECT_EQ(table.missed(), 5u);
}

TEST(ShadowTable, CountsFromAllThreads) {
  ShadowTable table(nullptr);
  constexpr std::uint64_t kEach = 2'000;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&table] {
      ShadowDifference difference;
      difference.who = "ann";
      for (std::uint64_t n = 0; n < kEach; ++n) table.add(difference);
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(table.lines().size(), 1u);
  EXPECT_EQ(table.lines()[0].count + table.missed(), 4 * kEach);
}

TEST(AccessChain, ExplainsEachSourceThatWasAsked) {
  AccessChain chain({says(Kind::unknown), says(Kind::deny, "r:1"), says(Kind::allow)}, {}, nullptr);
  const auto explained = chain.explain({}, publish("a"));
  EXPECT_EQ(to_text(explained.decision), "deny r:1");
  EXPECT_EQ(explained.sources.size(), 2u);
}

ClientGrants::Rule grant(bool allow, std::string_view actions, std::string filter) {
  return {allow, actions.find('p') != std::string_view::npos, actions.find('s') != std::string_view::npos,
          std::move(filter)};
}

TEST(AccessGrants, ATokensRulesDecideInOrder) {
  AccessGrants source("jwt");
  TestActor actor;
  actor.user = "ann";
  EXPECT_EQ(to_text(source.check(actor.actor(), publish("a"))), "unknown");
  actor.grants.has_rules = true;
  EXPECT_EQ(to_text(source.check(actor.actor(), publish("a"))), "deny no rule of the token allows it");
  actor.grants.rules = {grant(false, "s", "a/secret/#"), grant(true, "s", "a/#"), grant(true, "p", "up/%u/%c/#")};
  EXPECT_EQ(to_text(source.check(actor.actor(), subscribe("a/#"))), "allow a rule of the token");
  EXPECT_EQ(to_text(source.check(actor.actor(), subscribe("a/secret/x"))), "deny a rule of the token denies it");
  EXPECT_EQ(to_text(source.check(actor.actor(), receive("a/secret/x"))), "deny a rule of the token denies it");
  EXPECT_EQ(to_text(source.check(actor.actor(), receive("a/x"))), "allow a rule of the token");
  EXPECT_EQ(to_text(source.check(actor.actor(), publish("a/x"))), "deny no rule of the token allows it");
  EXPECT_EQ(to_text(source.check(actor.actor(), publish("up/ann/c1/x"))), "allow a rule of the token");
  actor.client = "+";
  EXPECT_EQ(to_text(source.check(actor.actor(), publish("up/ann/c1/x"))), "deny no rule of the token allows it");
  EXPECT_EQ(source.explain(actor.actor(), subscribe("a/b")).text, "allow subscribe \"a/#\"");
  EXPECT_EQ(to_text(source.check({}, publish("a"))), "unknown");
}

TEST(AccessGrants, ABadNameEscapesNoDenial) {
  AccessGrants source("jwt");
  TestActor actor;
  actor.client = "a/b";
  actor.grants.has_rules = true;
  actor.grants.rules = {grant(false, "p", "x/%c/#"), grant(true, "p", "#")};
  EXPECT_EQ(to_text(source.check(actor.actor(), publish("x/a/b"))), "deny a rule of the token denies it");
  EXPECT_EQ(to_text(source.check(actor.actor(), publish("y"))), "allow a rule of the token");
}

}  // namespace
}  // namespace martlet::auth
