#include "auth/access_rules_parser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace martlet::auth {
namespace {

std::string error_of(std::string_view text) {
  const auto parsed = parse_access_rules(text, "r.toml");
  return parsed ? "" : parsed.error().message;
}

// The error of a file whose one rule, from line 1, has `line` as its fourth.
std::string error_of_line(std::string_view line) {
  return error_of("[[rule]]\neffect = \"allow\"\npublish = \"a\"\n" + std::string(line) + "\n");
}

TEST(AccessRulesParser, ReadsEveryKey) {
  const auto parsed = parse_access_rules(R"(
[groups]
staff = ["ann", "bob"]

[[rule]]
effect = "deny"
user = "ann"
group = ["staff", "ops-*"]
client = "dev-*"
address = ["10.0.0.0/8", "2001:db8::/32"]
certificate = "ann"
listener = "tls"
anonymous = false
publish = ["a/%u/#", "b"]
qos = 1
retain = true

[[rule]]
effect = "allow"
all = "c/#"
[[rule]]
effect = "allow"
subscribe = "d"
receive = "e"
)",
                                         "r.toml");
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  ASSERT_EQ(parsed->rules.size(), 3u);
  EXPECT_EQ(parsed->groups.at("staff"), (std::vector<std::string>{"ann", "bob"}));
  const AccessRule& rule = parsed->rules[0];
  EXPECT_FALSE(rule.allow);
  EXPECT_EQ(rule.users, std::vector<std::string>{"ann"});
  EXPECT_EQ(rule.groups, (std::vector<std::string>{"staff", "ops-*"}));
  EXPECT_EQ(rule.clients, std::vector<std::string>{"dev-*"});
  EXPECT_EQ(rule.addresses.size(), 2u);
  EXPECT_EQ(rule.certificates, std::vector<std::string>{"ann"});
  EXPECT_EQ(rule.listeners, std::vector<std::string>{"tls"});
  EXPECT_EQ(rule.anonymous, false);
  EXPECT_EQ(rule.publish, (std::vector<std::string>{"a/%u/#", "b"}));
  EXPECT_EQ(rule.qos, 0b011);
  EXPECT_EQ(rule.retain, true);
  EXPECT_EQ(rule.line, 5u);
  EXPECT_EQ(rule.text,
            R"(deny user="ann" group=["staff", "ops-*"] client="dev-*" address=["10.0.0.0/8", "2001:db8::/32"] )"
            R"(certificate="ann" listener="tls" anonymous=false publish=["a/%u/#", "b"] qos=1 retain=true)");
  const std::vector<std::string> all = {"c/#"};
  EXPECT_TRUE(parsed->rules[1].publish == all && parsed->rules[1].subscribe == all && parsed->rules[1].receive == all);
  EXPECT_EQ(parsed->rules[1].qos, AccessRule::kAnyQos);
  EXPECT_EQ(parsed->rules[1].line, 18u);
  EXPECT_EQ(parsed->rules[2].receive, std::vector<std::string>{"e"});
}

TEST(AccessRulesParser, ListsOfQosAreLevels) {
  const auto parsed = parse_access_rules("[[rule]]\neffect='allow'\npublish='a'\nqos=[0, 2]\n", "r.toml");
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->rules[0].qos, 0b101);
}

TEST(AccessRulesParser, AnEmptyFileHasNoRules) {
  const auto parsed = parse_access_rules("", "r.toml");
  ASSERT_TRUE(parsed.has_value());
  EXPECT_TRUE(parsed->rules.empty());
}

TEST(AccessRulesParser, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(error_of_line("usr = \"x\""), "r.toml:4: unknown key \"usr\": did you mean \"user\"?");
  EXPECT_EQ(error_of("rules = 1\n"), "r.toml:1: unknown key \"rules\": did you mean \"rule\"?");
  EXPECT_EQ(error_of_line("user = 7"), "r.toml:4: user is a text or a list of texts");
  EXPECT_EQ(error_of_line("user = []"), "r.toml:4: user is an empty list");
  EXPECT_EQ(error_of_line("user = [\n\"x\",\n\"\"]"), "r.toml:6: user has an empty text");
  EXPECT_EQ(error_of_line("subscribe = \"a#\""),
            "r.toml:4: subscribe: bad topic filter \"a#\": '#' is not a whole last level");
  EXPECT_EQ(error_of_line("subscribe = \"a/%x\""),
            "r.toml:4: subscribe: unknown placeholder \"%x\" in \"a/%x\": there are %u, %c, %g, and %% for a percent "
            "sign");
  EXPECT_EQ(error_of_line("subscribe = \"$share/g/a\""),
            "r.toml:4: subscribe: rules are about the filter behind \"$share/GROUP/\"");
  EXPECT_EQ(error_of_line("qos = 3"), "r.toml:4: qos is the highest level (0, 1 or 2), or a list of levels");
  EXPECT_EQ(error_of_line("qos = [0, 3]"), "r.toml:4: qos has a level that is not 0, 1 or 2");
  EXPECT_EQ(error_of_line("retain = 1"), "r.toml:4: retain is true or false");
  EXPECT_EQ(error_of_line("effect = \"x\"").substr(0, 9), "r.toml:4:");
  EXPECT_EQ(error_of_line("receive = \"a\"\nqos = 1"),
            "r.toml:1: qos is about publish and subscribe: give receive a rule of its own");
  EXPECT_EQ(error_of_line("subscribe = \"a\"\nretain = true"),
            "r.toml:1: retain is about publish: give subscribe and receive a rule of their own");
  EXPECT_EQ(error_of_line("anonymous = true\nuser = \"x\""),
            "r.toml:1: an anonymous client has no user name and no group: this rule is for nobody");
  EXPECT_TRUE(error_of_line("address = \"10.0.0.0/40\"").starts_with("r.toml:4: ")) << error_of_line("address = \"1\"");
  EXPECT_EQ(error_of("[[rule]]\neffect = \"allow\"\n"),
            "r.toml:1: a rule needs publish, subscribe, receive or all, with topic filters");
  EXPECT_EQ(error_of("\n[[rule]]\npublish = \"a\"\n"),
            "r.toml:2: a rule needs effect = \"allow\" or effect = \"deny\"");
  EXPECT_EQ(error_of("[rule]\neffect = \"allow\"\n"), "r.toml:1: write [[rule]], with two brackets, for each rule");
  EXPECT_EQ(error_of("rule = [1]\n"), "r.toml:1: write [[rule]], with two brackets, for each rule");
  EXPECT_EQ(error_of("[groups]\na = 1\n"), "r.toml:2: the group \"a\" is a text or a list of texts");
  // What ended the process once: toml++ asserts about it.
  for (const char* text : {"[[rule\n", "[[[[rule]]\n", "[[[\n", "[=]\n", "a.=1\n", ".a=1\n"}) {
    EXPECT_TRUE(error_of(text).starts_with("r.toml:")) << text << error_of(text);
  }
}

TEST(AccessRulesParser, TellsTheErrorsOfTheFileInTheirOrder) {
  EXPECT_EQ(error_of("[[rule]]\nzzz = 1\neffect = \"allow\"\npublish = 1\n"),
            "r.toml:2: unknown key \"zzz\"\nr.toml:4: publish is a text or a list of texts");
  std::string many;
  for (int i = 0; i < 30; ++i) many += "[[rule]]\n";
  const std::string told = error_of(many);
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 19);
  EXPECT_TRUE(told.starts_with("r.toml:1: ")) << told;
  EXPECT_TRUE(told.ends_with(" (and 40 more)")) << told;
}

TEST(AccessRulesParser, AMisspeltKeyIsNotMissingToo) {
  EXPECT_EQ(error_of("[[rule]]\neffct = \"allow\"\npublish = \"a\"\n"),
            "r.toml:2: unknown key \"effct\": did you mean \"effect\"?");
}

TEST(AccessRulesParser, RefusesTooManyRules) {
  std::string text = "rule = [";
  for (std::size_t i = 0; i <= kMaxAccessRules; ++i) text += "{effect='allow',publish='a'},";
  text += "]\n";
  EXPECT_EQ(error_of(text), "r.toml:1: more than 100000 rules");
}

}  // namespace
}  // namespace martlet::auth
