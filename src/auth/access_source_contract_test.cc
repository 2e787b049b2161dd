// What every source of the chain keeps to.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "auth/access_source.h"
#include "auth/make_access.h"
#include "auth/testing/access_actor.h"

namespace martlet::auth {
namespace {

class TextFiles final : public env::Files {
 public:
  std::map<std::string, std::string> files;

  Result<std::string> read_all(const std::string& path, std::size_t) override {
    const auto file = files.find(path);
    if (file == files.end()) return fail("cannot open '" + path + "'");
    return file->second;
  }
  Result<void> write_all(const std::string&, ByteView) override { return fail("read only"); }
  Result<void> append(const std::string&, ByteView) override { return fail("read only"); }
  env::IoOutcome read_some(env::Handle, std::span<std::uint8_t>) override { return {env::IoStatus::closed, 0, 0}; }
  Result<void> write_stream(env::Handle, ByteView) override { return fail("read only"); }
};

TextFiles example_files() {
  TextFiles files;
  files.files["r.toml"] =
      "[[rule]]\neffect = \"deny\"\nsubscribe = \"a/secret\"\n"
      "[[rule]]\neffect = \"allow\"\nall = [\"a/#\", \"up/%c/%u\"]\n";
  files.files["acl"] = "user ann\ntopic deny a/secret\ntopic a/#\npattern write up/%c/%u\n";
  return files;
}

struct Kind {
  const char* name;
  AccessOptions options;
};

AccessOptions options(AccessKind kind, std::string path = {}, bool lenient = false) {
  AccessOptions made;
  made.name = "the source";
  made.kind = kind;
  made.path = std::move(path);
  made.lenient_subscribe = lenient;
  return made;
}

class AccessSourceContract : public testing::TestWithParam<Kind> {
 protected:
  AccessSourceContract() {
    TextFiles files = example_files();
    auto made = make_access_source(GetParam().options, {"tcp"}, files);
    EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().message);
    if (made) source_ = *made;
    actor_.user = "ann";
    actor_.grants.has_rules = true;
    ClientGrants::Rule denied;
    denied.allow = false;
    denied.subscribe = true;
    denied.filter = "a/secret";
    ClientGrants::Rule allowed;
    allowed.publish = allowed.subscribe = true;
    allowed.filter = "a/#";
    actor_.grants.rules = {denied, allowed};
  }

  AccessOpinion::Kind kind(const AccessQuestion& question) { return source_->check(actor_.actor(), question).kind; }

  std::shared_ptr<AccessSource> source_;
  TestActor actor_;
};

TEST_P(AccessSourceContract, HasTheNameThatTheOperatorGave) {
  ASSERT_TRUE(source_);
  EXPECT_EQ(source_->name(), "the source");
}

TEST_P(AccessSourceContract, DecidesAndNamesWhatDecided) {
  ASSERT_TRUE(source_);
  EXPECT_EQ(kind(publish("a/x")), AccessOpinion::Kind::allow);
  EXPECT_EQ(kind(subscribe("a/+")), AccessOpinion::Kind::allow);
  EXPECT_EQ(kind(receive("a/x")), AccessOpinion::Kind::allow);
  EXPECT_NE(kind(publish("b")), AccessOpinion::Kind::allow);
  for (const auto& question : {publish("a/x"), subscribe("a/+"), receive("a/secret"), receive("a/x")}) {
    const AccessOpinion opinion = source_->check(actor_.actor(), question);
    EXPECT_STRNE(opinion.rule, "") << question.topic;
    EXPECT_EQ(opinion.rule, source_->check(actor_.actor(), question).rule) << "the name is the same text for ever";
  }
}

// A wide subscription must not bring what a narrow one would have been denied.
TEST_P(AccessSourceContract, WhatIsDeniedIsNotReceived) {
  ASSERT_TRUE(source_);
  EXPECT_TRUE(source_->checks_receive());
  EXPECT_EQ(kind(receive("a/secret")), AccessOpinion::Kind::deny);
}

TEST_P(AccessSourceContract, NeverWaitsWithoutSomebodyToAnswer) {
  ASSERT_TRUE(source_);
  for (const auto& question : {publish("b"), subscribe("#"), receive("b")}) {
    EXPECT_NE(kind(question), AccessOpinion::Kind::pending);
  }
}

TEST_P(AccessSourceContract, TakesAClientOfWhomNothingIsKnown) {
  ASSERT_TRUE(source_);
  for (const auto& question : {publish("c"), subscribe("up/+/+"), receive("c")}) {
    const AccessOpinion opinion = source_->check({}, question);
    EXPECT_STRNE(opinion.rule, nullptr);
    if (question.action == Action::publish) {
      EXPECT_NE(opinion.kind, AccessOpinion::Kind::allow);
    }
  }
}

TEST_P(AccessSourceContract, ExplainsTheOpinionThatItGives) {
  ASSERT_TRUE(source_);
  for (const char* topic : {"a/x", "a/secret", "b", "up/c1/ann", "$SYS/x"}) {
    for (const auto& question : {publish(topic), subscribe(topic), receive(topic)}) {
      EXPECT_EQ(to_text(source_->explain(actor_.actor(), question).opinion),
                to_text(source_->check(actor_.actor(), question)))
          << topic;
    }
  }
}

TEST_P(AccessSourceContract, AnswersManyThreadsAtOnce) {
  ASSERT_TRUE(source_);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 500; ++n) {
        if (kind(publish("a/x")) != AccessOpinion::Kind::allow) ++wrong;
        if (kind(receive("a/secret")) != AccessOpinion::Kind::deny) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
}

INSTANTIATE_TEST_SUITE_P(EverySource, AccessSourceContract,
                         testing::Values(Kind{"rules", options(AccessKind::rules, "r.toml")},
                                         Kind{"mosquitto", options(AccessKind::mosquitto, "acl")},
                                         Kind{"mosquitto_lenient", options(AccessKind::mosquitto, "acl", true)},
                                         Kind{"jwt", options(AccessKind::jwt)}),
                         [](const auto& kind) { return std::string(kind.param.name); });

std::string error_of(AccessOptions one) {
  TextFiles files = example_files();
  files.files["bad.toml"] = "\nx = 1\n";
  files.files["bad"] = "topic a\nx\n";
  AuthOptions all;
  all.access = {options(AccessKind::rules, "r.toml"), std::move(one)};
  const auto made = make_access_chain(all, {files});
  return made ? "" : made.error().message;
}

TEST(MakeAccessChain, NamesWhatIsWrong) {
  EXPECT_EQ(error_of(options(AccessKind::rules, "bad.toml")), "bad.toml:2: unknown key \"x\"");
  EXPECT_EQ(error_of(options(AccessKind::mosquitto, "bad")), "bad:2: unknown word \"x\"");
  EXPECT_EQ(error_of(options(AccessKind::rules, "none")), "cannot open 'none'");
  EXPECT_EQ(error_of(options(AccessKind::rules)), "path: it is missing: the file of rules");
  AccessOptions http = options(AccessKind::http);
  http.shadow = true;
  EXPECT_EQ(error_of(http), "shadow: a service (kind = \"http\") cannot be one; a file of rules can");
}

TEST(MakeAccessChain, ATableDecidesAboutItsListenersAlone) {
  TextFiles files = example_files();
  AuthOptions all;
  all.listeners.resize(2);
  all.listeners[0].name = "inside";
  all.listeners[1].name = "outside";
  all.access = {options(AccessKind::mosquitto, "acl")};
  all.access[0].listeners = {"outside"};
  const auto made = make_access_chain(all, {files});
  ASSERT_TRUE(made.has_value());
  TestActor bob;
  bob.user = "bob";
  broker::Actor actor = bob.actor();
  const auto may_publish = [&](std::uint32_t listener) {
    actor.listener_index = listener;
    return (*made)->may_publish(actor, "nowhere", wire::QoS::at_most_once, false).allowed;
  };
  EXPECT_TRUE(may_publish(0)) << "no table is about it";
  EXPECT_FALSE(may_publish(1));
  EXPECT_FALSE(may_publish(broker::kNoListener)) << "the rules of all listeners hold";
  actor.listener_index = 0;
  const AccessQuestion question{Action::publish, "nowhere", wire::QoS::at_most_once, false};
  EXPECT_TRUE((*made)->explain(actor, question).decision.allowed);
  all.access[0].listeners = {"outsid"};
  const auto wrong = make_access_chain(all, {files});
  ASSERT_FALSE(wrong.has_value());
  EXPECT_NE(wrong.error().message.find("did you mean \"outside\""), std::string::npos);
}

TEST(MakeAccessChain, ShadowsDecideNothing) {
  TextFiles files = example_files();
  AuthOptions all;
  all.access = {options(AccessKind::rules, "r.toml"), options(AccessKind::mosquitto, "acl")};
  all.access[1].shadow = true;
  const auto made = make_access_chain(all, {files});
  ASSERT_TRUE(made.has_value());
  TestActor bob;
  bob.user = "bob";
  EXPECT_TRUE((*made)->may_publish(bob.actor(), "a/x", wire::QoS::at_most_once, false).allowed);
  EXPECT_FALSE((*made)->may_publish(bob.actor(), "b", wire::QoS::at_most_once, false).allowed);
  ASSERT_EQ((*made)->differences().size(), 1u);
  EXPECT_EQ((*made)->differences()[0].topic, "a/x");
}

}  // namespace
}  // namespace martlet::auth
