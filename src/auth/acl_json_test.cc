#include "auth/acl_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace martlet::auth {
namespace {

using nlohmann::json;

std::string text_of(const ClientGrants::Rule& rule) {
  return std::string(rule.allow ? "allow " : "deny ") + (rule.publish ? "p" : "") + (rule.subscribe ? "s" : "") + " " +
         rule.filter;
}

std::vector<std::string> rules_of(const ClientGrants& grants) {
  std::vector<std::string> texts;
  for (const auto& rule : grants.rules) texts.push_back(text_of(rule));
  return texts;
}

TEST(AclJson, ReadsRulesInTheirOrder) {
  ClientGrants grants;
  ASSERT_TRUE(parse_acl_rules(json::parse(R"([
      {"permission": "deny", "action": "all", "topic": "secret/#"},
      {"permission": "allow", "action": "publish", "topic": "t/${clientid}/${username}"},
      {"permission": "allow", "action": "subscribe", "topic": "eq a/b"}])"),
                              grants));
  EXPECT_TRUE(grants.has_rules);
  EXPECT_THAT(rules_of(grants), ::testing::ElementsAre("deny ps secret/#", "allow p t/%c/%u", "allow s a/b"));
}

TEST(AclJson, ReadsListsOfWhatIsAllowed) {
  ClientGrants grants;
  ASSERT_TRUE(parse_acl_rules(json::parse(R"({"pub": ["a/%u"], "sub": ["b/+"], "all": ["c"]})"), grants));
  EXPECT_THAT(rules_of(grants), ::testing::UnorderedElementsAre("allow p a/%u", "allow s b/+", "allow ps c"));
}

TEST(AclJson, NoRulesStillSpeakAboutTopics) {
  for (const char* text : {"[]", "{}"}) {
    ClientGrants grants;
    ASSERT_TRUE(parse_acl_rules(json::parse(text), grants));
    EXPECT_TRUE(grants.has_rules) << text;
  }
}

// A condition that is not understood must not become a rule without it.
TEST(AclJson, RefusesWhatItDoesNotUnderstandAndLeavesTheGrants) {
  const char* const bad[] = {
      R"("all")",
      R"(7)",
      R"(["a/b"])",
      R"([{"permission": "allow", "action": "publish"}])",
      R"([{"permission": "maybe", "action": "publish", "topic": "a"}])",
      R"([{"action": "publish", "topic": "a"}])",
      R"([{"permission": "allow", "topic": "a"}])",
      R"([{"permission": "allow", "action": "receive", "topic": "a"}])",
      R"([{"permission": "allow", "action": "publish", "topic": 1}])",
      R"([{"permission": "allow", "action": "publish", "topic": ""}])",
      R"([{"permission": "allow", "action": "publish", "topic": "a/#/b"}])",
      R"([{"permission": "allow", "action": "publish", "topic": "a\u0000b"}])",
      R"([{"permission": "allow", "action": "publish", "topic": "${cert_common_name}"}])",
      R"([{"permission": "allow", "action": "publish", "topic": "eq a/#"}])",
      R"([{"permission": "allow", "action": "publish", "topic": "a", "qos": [1]}])",
      R"([{"permission": "allow", "action": "publish", "topic": "a", "ipaddr": "10.0.0.0/8"}])",
      R"({"pub": "a"})",
      R"({"pub": [1]})",
      R"({"publish": ["a"]})",
  };
  for (const char* text : bad) {
    ClientGrants grants;
    const auto read = parse_acl_rules(json::parse(text), grants);
    ASSERT_FALSE(read) << text;
    EXPECT_FALSE(read.error().message.empty());
    EXPECT_TRUE(grants.rules.empty());
    EXPECT_FALSE(grants.has_rules);
  }
}

TEST(AclJson, SaysWhichRule) {
  ClientGrants grants;
  const auto read = parse_acl_rules(json::parse(R"([{"permission": "allow", "action": "all", "topic": "a"},
                                                    {"permission": "allow", "action": "all", "topic": "b", "qos": [0]}])"),
                                    grants);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "acl rule 2 has \"qos\", which is not supported");
}

TEST(AclJson, Bounded) {
  json acl = json::array();
  for (std::size_t i = 0; i < kMaxAclRules; ++i)
    acl.push_back({{"permission", "allow"}, {"action", "publish"}, {"topic", "t/" + std::to_string(i)}});
  ClientGrants grants;
  EXPECT_TRUE(parse_acl_rules(acl, grants));
  acl.push_back(acl.front());
  ClientGrants more;
  EXPECT_FALSE(parse_acl_rules(acl, more));
}

}  // namespace
}  // namespace martlet::auth
