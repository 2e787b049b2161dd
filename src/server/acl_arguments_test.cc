#include "server/acl_arguments.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace martlet::server {
namespace {

ParsedAclArguments parse(std::vector<std::string> words) {
  words.insert(words.begin(), "martlet acl");
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  return parse_acl_arguments(static_cast<int>(pointers.size()), pointers.data());
}

TEST(AclArguments, UnderstandsAQuestion) {
  const auto parsed =
      parse({"explain", "--rules",    "r.toml",  "--user",    "ann",          "--client", "c",
             "--group", "g",          "--group", "h",         "--address",    "::1",      "--certificate",
             "cn",      "--listener", "tls",     "subscribe", "$share/x/a/#", "--qos",    "2",
             "--json",  "--all"});
  ASSERT_FALSE(parsed.exit_code) << parsed.message;
  const AclArguments& arguments = parsed.arguments;
  EXPECT_EQ(arguments.task, AclArguments::Task::explain);
  EXPECT_EQ(arguments.source.kind, auth::AccessKind::rules);
  EXPECT_EQ(arguments.source.path, "r.toml");
  EXPECT_EQ(arguments.user, "ann");
  EXPECT_EQ(arguments.groups, (std::vector<std::string>{"g", "h"}));
  EXPECT_EQ(arguments.action, auth::Action::subscribe);
  EXPECT_EQ(arguments.topic, "a/#") << "rules are about what is behind the share";
  EXPECT_EQ(arguments.qos, wire::QoS::exactly_once);
  EXPECT_TRUE(arguments.json && arguments.all && !arguments.retain);
}

TEST(AclArguments, AFileToCheckIsKnownByItsName) {
  EXPECT_EQ(parse({"check", "a.toml"}).arguments.source.kind, auth::AccessKind::rules);
  EXPECT_EQ(parse({"check", "acl"}).arguments.source.kind, auth::AccessKind::mosquitto);
  EXPECT_EQ(parse({"check", "--kind", "rules", "acl"}).arguments.source.kind, auth::AccessKind::rules);
  EXPECT_EQ(parse({"check", "acl"}).arguments.task, AclArguments::Task::check);
}

TEST(AclArguments, SaysWhatIsWrong) {
  const auto refused = [](std::vector<std::string> words, std::string_view why) {
    const auto parsed = parse(std::move(words));
    EXPECT_EQ(parsed.exit_code, 2);
    EXPECT_NE(parsed.message.find(why), std::string::npos) << parsed.message;
  };
  refused({}, "subcommand");
  refused({"explain", "publish", "a"}, "give one of --config FILE");
  refused({"explain", "--rules", "r", "--mosquitto-acl", "m", "publish", "a"}, "give one of --config FILE");
  refused({"explain", "--rules", "r", "publsh", "a"}, "unknown action \"publsh\": did you mean \"publish\"?");
  refused({"explain", "--rules", "r", "publish", "a/#"}, "bad topic \"a/#\"");
  refused({"explain", "--rules", "r", "subscribe", "a#"}, "bad topic filter \"a#\"");
  refused({"explain", "--rules", "r", "--address", "here", "publish", "a"}, "\"here\" is no address");
  refused({"explain", "--rules", "r", "--qos", "3", "publish", "a"}, "qos");
}

}  // namespace
}  // namespace martlet::server
