#include "tools/prove/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace martlet::tools::prove {
namespace {

using testing::HasSubstr;

Result<ProveOptions> parse(std::vector<std::string_view> arguments) {
  return parse_arguments(arguments);
}

std::string error_of(std::vector<std::string_view> arguments) {
  const auto parsed = parse(std::move(arguments));
  return parsed ? "no error" : parsed.error().message;
}

TEST(ProveArguments, DefaultsNeedNothing) {
  const auto options = parse({});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->broker, (env::Endpoint{"127.0.0.1", 1883}));
  EXPECT_EQ(total_restarts(*options), 0u);
  EXPECT_EQ(highest_qos(*options), wire::QoS::exactly_once);
}

TEST(ProveArguments, ShortAndLongNamesAreTheOtherTools) {
  const auto options =
      parse({"-h", "broker.example", "-p", "1884", "-V", "311", "-u", "me", "-P", "secret", "-q", "1"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->broker, (env::Endpoint{"broker.example", 1884}));
  EXPECT_EQ(options->version, wire::ProtocolVersion::v3_1_1);
  EXPECT_EQ(options->username, "me");
  EXPECT_EQ(options->password, "secret");
  EXPECT_EQ(highest_qos(*options), wire::QoS::at_least_once);
  EXPECT_EQ(parse({"--host=broker.example:1884"})->broker, options->broker);
}

TEST(ProveArguments, RestartsNeedACommand) {
  const auto options = parse({"--restart-command", "true", "--restarts", "7", "--restart-every", "200ms..1.5s"});
  ASSERT_TRUE(options);
  EXPECT_EQ(total_restarts(*options), 7u);
  EXPECT_EQ(options->restart_least_ms, 200);
  EXPECT_EQ(options->restart_most_ms, 1500);
  EXPECT_EQ(total_restarts(*parse({"--restart-command", "true"})), 10u);
  EXPECT_EQ(total_restarts(*parse({"--restart-command", "true", "--restarts", "0"})), 0u);
  EXPECT_THAT(error_of({"--restarts", "7"}), HasSubstr("--restart-command"));
}

TEST(ProveArguments, TheLastOneCounts) {
  EXPECT_EQ(parse({"--seed", "1", "--seed", "2"})->seed, 2u);
}

TEST(ProveArguments, AnErrorNamesTheOption) {
  EXPECT_THAT(error_of({"--subscriber", "2"}), HasSubstr("--subscribers"));
  EXPECT_THAT(error_of({"--payload", "39"}), HasSubstr("--payload"));
  EXPECT_THAT(error_of({"--qos", "0"}), HasSubstr("--qos"));
  EXPECT_THAT(error_of({"--offline", "5", "--subscribers", "4"}), HasSubstr("--offline"));
  EXPECT_THAT(error_of({"--restart-every", "2s..1s"}), HasSubstr("--restart-every"));
  EXPECT_THAT(error_of({"--topic", "a/#"}), HasSubstr("--topic"));
  EXPECT_THAT(error_of({"--seed"}), HasSubstr("--seed"));
  EXPECT_THAT(error_of({"--json=yes"}), HasSubstr("--json"));
  EXPECT_THAT(error_of({"word"}), HasSubstr("word"));
}

TEST(ProveArguments, TimesHaveUnits) {
  EXPECT_EQ(parse_duration_ms("2"), 2'000);
  EXPECT_EQ(parse_duration_ms("0.25s"), 250);
  EXPECT_EQ(parse_duration_ms("15ms"), 15);
  EXPECT_EQ(parse_duration_ms("1.5m"), 90'000);
  for (const char* text : {"", "s", "-1s", "1h", "nan", "1e99", "1 s"}) EXPECT_FALSE(parse_duration_ms(text)) << text;
}

TEST(ProveArguments, HelpShowsAllButTheProcessRole) {
  EXPECT_TRUE(parse({"--help"})->help);
  const std::string help = help_text("martlet prove");
  EXPECT_THAT(help, HasSubstr("-h, --host HOST[:PORT]"));
  EXPECT_THAT(help, HasSubstr("--restart-every"));
  EXPECT_EQ(help.find("--publisher-of"), std::string::npos);
  EXPECT_TRUE(has_option("--restart-every"));
  EXPECT_FALSE(has_option("--publisher-of"));
}

}  // namespace
}  // namespace martlet::tools::prove
