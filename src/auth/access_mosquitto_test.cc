#include "auth/access_mosquitto.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <memory>
#include <string>

#include "auth/testing/access_actor.h"

namespace martlet::auth {
namespace {

std::string error_of(std::string_view text) {
  const auto parsed = parse_mosquitto_acl(text, "acl");
  return parsed ? "" : parsed.error().message;
}

std::unique_ptr<AccessMosquitto> source(std::string_view text, bool lenient = false) {
  auto parsed = parse_mosquitto_acl(text, "acl");
  EXPECT_TRUE(parsed.has_value()) << (parsed ? "" : parsed.error().message);
  if (!parsed) return nullptr;
  return std::make_unique<AccessMosquitto>(std::move(*parsed), "acl", "mosquitto", lenient);
}

std::string decide(AccessMosquitto& acl, std::string_view user, const AccessQuestion& question,
                   std::string_view client = "c1") {
  TestActor actor;
  actor.user = user;
  actor.client = client;
  return to_text(acl.check(actor.actor(), question));
}

TEST(MosquittoAclParser, ReadsWhatMosquittoReads) {
  const auto parsed = parse_mosquitto_acl(
      "# comment\n\n \t\r\n"
      "topic anonymous/#\r\n"
      "topic read\n"
      "  topic  write   with spaces/x  \n"
      "user the user\n"
      "topic deny a\n"
      "pattern readwrite %c/%u\n"
      "user b\n"
      "user the user\n"
      "topic read b",
      "acl");
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  ASSERT_EQ(parsed->anonymous.size(), 3u);
  EXPECT_EQ(parsed->anonymous[0].filter, "anonymous/#");
  EXPECT_TRUE(parsed->anonymous[0].read && parsed->anonymous[0].write);
  EXPECT_EQ(parsed->anonymous[1].filter, "read");
  EXPECT_EQ(parsed->anonymous[2].filter, "with spaces/x");
  EXPECT_TRUE(!parsed->anonymous[2].read && parsed->anonymous[2].write);
  ASSERT_EQ(parsed->users.at("the user").size(), 2u);
  EXPECT_TRUE(parsed->users.at("the user")[0].denies());
  EXPECT_EQ(parsed->users.at("the user")[1].line, 12u);
  EXPECT_TRUE(parsed->users.at("b").empty());
  ASSERT_EQ(parsed->patterns.size(), 1u);
  EXPECT_EQ(parsed->patterns[0].line, 9u);
}

TEST(MosquittoAclParser, RefusesWhatMosquittoRefuses) {
  EXPECT_EQ(error_of("topic a\nhello\n"), "acl:2: unknown word \"hello\"");
  EXPECT_EQ(error_of("topics a\n"), "acl:1: unknown word \"topics\": did you mean \"topic\"?");
  EXPECT_EQ(error_of("\ttopic a\n"), "acl:1: unknown word \"\\x09topic\": did you mean \"topic\"?");
  EXPECT_EQ(error_of("  # comment\n"), "acl:1: unknown word \"#\"");
  EXPECT_EQ(error_of("user\n"), "acl:1: user without a name");
  EXPECT_EQ(error_of("user  \n"), "acl:1: user without a name");
  EXPECT_EQ(error_of("topic\n"), "acl:1: topic without a topic filter");
  EXPECT_EQ(error_of("pattern  \n"), "acl:1: pattern without a topic filter");
  EXPECT_TRUE(error_of("topic foo bar\n").starts_with("acl:1: unknown access \"foo\""));
  EXPECT_TRUE(error_of("topic Read a\n").ends_with(": did you mean \"read\"?"));
  EXPECT_EQ(error_of("topic read a#b\n"), "acl:1: bad topic filter \"a#b\": '#' is not a whole last level");
  EXPECT_EQ(error_of(std::string_view("topic a\0b\n", 10)), "acl:1: the line has a null character");
  EXPECT_EQ(error_of("topic readwrite\tx\n"), "");
}

TEST(AccessMosquitto, ACommonFile) {
  const auto acl = source(
      "topic read public/#\n"
      "user ann\n"
      "topic readwrite a/#\n"
      "topic write log\n"
      "topic deny a/secret\n"
      "topic read $SYS/#\n"
      "pattern write up/%u/%c\n"
      "pattern deny up/+/bad\n");
  EXPECT_EQ(decide(*acl, "", receive("public/x")), "allow acl:1");
  EXPECT_EQ(decide(*acl, "", publish("public/x")), "unknown");
  EXPECT_EQ(decide(*acl, "bob", receive("public/x")), "unknown");
  EXPECT_EQ(decide(*acl, "ann", publish("a/b")), "allow acl:3");
  EXPECT_EQ(decide(*acl, "ann", publish("a/secret")), "deny acl:5");
  EXPECT_EQ(decide(*acl, "ann", publish("log")), "allow acl:4");
  EXPECT_EQ(decide(*acl, "ann", receive("log")), "unknown");
  EXPECT_EQ(decide(*acl, "ann", receive("$SYS/broker")), "allow acl:6");
  EXPECT_EQ(decide(*acl, "bob", publish("up/bob/c1")), "allow acl:7");
  EXPECT_EQ(decide(*acl, "bob", publish("up/ann/c1")), "unknown");
  EXPECT_EQ(decide(*acl, "", publish("up//c1")), "unknown");
  EXPECT_EQ(decide(*acl, "bob", publish("up/bob/bad"), "bad"), "deny acl:8");
}

TEST(AccessMosquitto, OwnRulesComeBeforePatterns) {
  const auto acl = source("user ann\ntopic a/x\npattern deny a/#\n");
  EXPECT_EQ(decide(*acl, "ann", publish("a/x")), "allow acl:2");
  EXPECT_EQ(decide(*acl, "ann", publish("a/y")), "deny acl:3");
}

TEST(AccessMosquitto, WildcardsInNamesGetNothingOfPatterns) {
  const auto acl = source("topic own\nuser an+\ntopic own\npattern up/%c\npattern all/#\n");
  EXPECT_EQ(decide(*acl, "", publish("own"), "#"), "allow acl:1");
  EXPECT_EQ(decide(*acl, "", publish("all/x"), "#"), "deny acl: the client id holds a wildcard");
  EXPECT_EQ(decide(*acl, "an+", publish("own")), "allow acl:3");
  EXPECT_EQ(decide(*acl, "an+", publish("all/x")), "deny acl: the user name holds a wildcard");
  EXPECT_EQ(decide(*acl, "", publish("up/a/b"), "a/b"), "allow acl:4");
  EXPECT_EQ(decide(*source("topic x\n"), "", publish("x"), "#"), "allow acl:1");
}

TEST(AccessMosquitto, DollarTopicsNeedDollarRules) {
  const auto acl = source("topic #\npattern +/x\n");
  EXPECT_EQ(decide(*acl, "", receive("$SYS/x")), "unknown");
  EXPECT_EQ(decide(*acl, "", receive("a")), "allow acl:1");
}

TEST(AccessMosquitto, StrictSubscriptionsAreToBeCovered) {
  const auto acl = source("topic read a/#\ntopic deny a/secret\n");
  EXPECT_EQ(decide(*acl, "", subscribe("a/#")), "allow acl:1");
  EXPECT_EQ(decide(*acl, "", subscribe("a/secret")), "deny acl:2");
  EXPECT_EQ(decide(*acl, "", subscribe("#")), "unknown");
  EXPECT_TRUE(acl->checks_receive());
  EXPECT_FALSE(source("topic read a/#\n")->checks_receive());
  EXPECT_EQ(decide(*acl, "", receive("b")), "unknown");
}

TEST(AccessMosquitto, LenientSubscriptionsAreCheckedAtDelivery) {
  const auto acl = source("topic read a/#\n", true);
  EXPECT_EQ(decide(*acl, "", subscribe("#")), "allow acl: SUBSCRIBE is always allowed");
  EXPECT_TRUE(acl->checks_receive());
  EXPECT_EQ(decide(*acl, "", receive("a/x")), "allow acl:1");
  EXPECT_EQ(decide(*acl, "", receive("b")), "deny acl: no rule allows it");
  EXPECT_EQ(decide(*acl, "", publish("b")), "unknown");
}

TEST(AccessMosquitto, ExplainsWhatItPassed) {
  const auto acl = source("user ann\ntopic write b\ntopic deny c\npattern read %u/#\n");
  TestActor ann;
  ann.user = "ann";
  const Explanation explanation = acl->explain(ann.actor(), receive("ann/x"));
  EXPECT_EQ(to_text(explanation.opinion), "allow acl:4");
  EXPECT_EQ(explanation.text, "pattern read %u/#");
  ASSERT_EQ(explanation.passed.size(), 2u);
  EXPECT_EQ(explanation.passed[0].text, "topic deny c");
  EXPECT_EQ(explanation.passed[0].why, "is about other topics");
  EXPECT_EQ(explanation.passed[1].text, "topic write b");
  EXPECT_EQ(explanation.passed[1].why, "is about other actions");
}

RC_GTEST_PROP(AccessMosquitto, TheIndexDecidesAsTheRulesInOrder, ()) {
  MosquittoAcl acl;
  auto rule = [line = std::size_t{0}]() mutable {
    MosquittoAcl::Rule made;
    made.read = *rc::gen::arbitrary<bool>();
    made.write = *rc::gen::arbitrary<bool>();
    made.filter = *rc::gen::element<std::string>("a", "a/#", "+/b", "#", "%c/b", "a/%u", "$s/#", "%u/+");
    made.line = ++line;
    return made;
  };
  for (auto* list : {&acl.anonymous, &acl.users["ann"], &acl.patterns}) {
    const auto count = *rc::gen::inRange(0, 5);
    for (int i = 0; i < count; ++i) list->push_back(rule());
  }
  AccessMosquitto made(acl, "acl", "mosquitto", *rc::gen::arbitrary<bool>());
  TestActor actor;
  actor.user = *rc::gen::element<std::string>("", "ann", "bob", "#");
  actor.client = *rc::gen::element<std::string>("c1", "a/b", "+");
  for (const char* topic : {"a", "a/b", "a/ann", "$s/x", "c1/b", "b", "ann/x"}) {
    for (const auto& question : {publish(topic), subscribe(topic), receive(topic)}) {
      RC_ASSERT(to_text(made.check(actor.actor(), question)) == to_text(made.explain(actor.actor(), question).opinion));
    }
  }
}

}  // namespace
}  // namespace martlet::auth
