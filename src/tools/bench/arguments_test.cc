#include "tools/bench/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tools/bench/scenario.h"

namespace martlet::tools::bench {
namespace {

using testing::HasSubstr;

Result<ParsedArguments> parse(std::vector<std::string_view> arguments) {
  return parse_arguments(arguments);
}

std::string error_of(std::vector<std::string_view> arguments) {
  const auto parsed = parse(std::move(arguments));
  return parsed ? "no error" : parsed.error().message;
}

TEST(BenchArguments, DefaultToPairsOnThisMachine) {
  const auto parsed = parse({});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->options.scenario, Scenario::p2p);
  EXPECT_EQ(parsed->options.broker, (env::Endpoint{"127.0.0.1", 1883}));
  EXPECT_EQ(parsed->options.publishers, 500u);
  EXPECT_EQ(parsed->options.rate_per_s, 0);
}

TEST(BenchArguments, OverrideTheScenarioWhateverTheOrder) {
  const auto parsed = parse({"--payload=128", "--rate", "2000", "p2p-1K", "--qos", "2"});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->options.name, "p2p-1K");
  EXPECT_EQ(parsed->options.publishers, 1000u);
  EXPECT_EQ(parsed->options.payload_bytes, 128u);
  EXPECT_EQ(parsed->options.rate_per_s, 2000);
  EXPECT_EQ(parsed->options.qos, 2);
  EXPECT_EQ(parsed->options.subscribe_qos, 2);
  EXPECT_EQ(parsed->options.version, wire::ProtocolVersion::v3_1_1);
}

TEST(BenchArguments, TakeHostAndPortInOneOrTwo) {
  EXPECT_EQ(parse({"--host", "broker.example:1999"})->options.broker, (env::Endpoint{"broker.example", 1999}));
  EXPECT_EQ(parse({"--port", "1999", "--host", "[::1]"})->options.broker, (env::Endpoint{"::1", 1999}));
}

TEST(BenchArguments, ChooseTheTransportAndItsPort) {
  const auto port = [](std::vector<std::string_view> arguments) { return parse(arguments)->options.broker.port; };
  EXPECT_EQ(port({"--tls"}), 8883);
  EXPECT_EQ(port({"--host", "broker.example", "--cafile", "ca.pem"}), 8883);
  EXPECT_EQ(port({"--ws"}), 80);
  EXPECT_EQ(port({"--insecure", "--ws-path", "/"}), 443);
  EXPECT_EQ(port({"--host", "broker.example:1999", "--tls"}), 1999);
  const auto parsed = parse({"fan-in", "--ws-path", "/here", "--cert", "c", "--key", "k"});
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->options.websocket);
  EXPECT_TRUE(parsed->options.tls.on);
  EXPECT_EQ(parsed->options.websocket_path, "/here");
  EXPECT_THAT(error_of({"--cert", "c"}), HasSubstr("--cert and --key"));
  EXPECT_THAT(error_of({"--ws-path", "mqtt"}), HasSubstr("begins with /"));
  EXPECT_THAT(error_of({"--tls-version", "tlsv1.1"}), HasSubstr("tlsv1.2 or tlsv1.3"));
}

TEST(BenchArguments, NameWhatIsWrong) {
  EXPECT_THAT(error_of({"--qos", "3"}), HasSubstr("--qos: needs 0, 1 or 2, not \"3\""));
  EXPECT_THAT(error_of({"--payload", "15"}), HasSubstr("--payload: needs a number from 16"));
  EXPECT_THAT(error_of({"--payload", "64k"}), HasSubstr("not \"64k\""));
  EXPECT_THAT(error_of({"--rate", "-1"}), HasSubstr("--rate"));
  EXPECT_THAT(error_of({"--rate", "nan"}), HasSubstr("--rate"));
  EXPECT_THAT(error_of({"--rate"}), HasSubstr("--rate needs a value"));
  EXPECT_THAT(error_of({"--json=1"}), HasSubstr("--json takes no value"));
  EXPECT_EQ(error_of({"--frequency", "5"}), "unknown option \"--frequency\"");
  EXPECT_EQ(error_of({"--durations", "5"}), "unknown option \"--durations\": did you mean \"--duration\"?");
  EXPECT_THAT(error_of({"p2q"}), HasSubstr("no scenario \"p2q\""));
  EXPECT_THAT(error_of({"p2p", "fan-in"}), HasSubstr("one scenario only"));
  EXPECT_THAT(error_of({"--protocol", "3.1"}), HasSubstr("3.1.1 or 5"));
  EXPECT_THAT(error_of({"--topic-prefix", "a/#"}), HasSubstr("--topic-prefix"));
}

TEST(BenchArguments, RefuseWhatDoesNotGoTogether) {
  EXPECT_THAT(error_of({"--subscribers", "3"}), HasSubstr("--pairs"));
  EXPECT_THAT(error_of({"shared", "--protocol", "3.1.1"}), HasSubstr("shared subscriptions"));
  EXPECT_THAT(error_of({"subscribe", "--subscriptions", "2", "--subscribers", "3"}), HasSubstr("--subscriptions"));
  EXPECT_THAT(error_of({"fan-out", "--subscribers", "1", "--threads", "3"}), HasSubstr("--threads"));
  EXPECT_THAT(error_of({"offline", "--qos", "0"}), HasSubstr("offline needs 1 or 2"));
  EXPECT_THAT(error_of({"retained", "--qos", "0"}), HasSubstr("retained needs 1 or 2"));
  EXPECT_THAT(error_of({"retained", "--messages", "5"}), HasSubstr("--messages: needs 10 to 9999999"));
  EXPECT_THAT(error_of({"retained", "--topics", "own"}), HasSubstr("belongs to offline"));
  EXPECT_THAT(error_of({"offline", "--topics", "some"}), HasSubstr("needs all or own"));
  EXPECT_THAT(error_of({"p2p", "--no-drain"}), HasSubstr("belong to offline"));
  EXPECT_THAT(error_of({"p2p", "--messages", "5"}), HasSubstr("belong to offline"));
}

TEST(BenchArguments, HelpTellsEveryScenario) {
  ASSERT_TRUE(parse({"--help"}));
  EXPECT_TRUE(parse({"p2p", "-h"})->help);
  EXPECT_TRUE(parse({"list"})->list);
  EXPECT_FALSE(parse({"p2p"})->list);
  const std::string text = help_text("martlet bench");
  for (const std::string_view name : scenario_names()) EXPECT_THAT(text, HasSubstr(std::string(name)));
}

TEST(BenchScenarios, AreAllValid) {
  for (const std::string_view name : scenario_names()) EXPECT_EQ(error_of({name}), "no error") << name;
}

TEST(BenchOptions, TellHowManyDeliveriesAreOwed) {
  EXPECT_EQ(deliveries_per_message(parse({"p2p"})->options), 1u);
  EXPECT_EQ(deliveries_per_message(parse({"fan-out"})->options), 1000u);
  EXPECT_EQ(deliveries_per_message(parse({"fan-in"})->options), 5u);
  EXPECT_EQ(deliveries_per_message(parse({"shared"})->options), 1u);
  EXPECT_EQ(deliveries_per_message(parse({"idle"})->options), 0u);
  EXPECT_EQ(deliveries_per_message(parse({"churn"})->options), 0u);
  EXPECT_EQ(total_connections(parse({"churn"})->options), 200u);
  EXPECT_EQ(deliveries_per_message(parse({"retained", "--subscribers", "3"})->options), 3u);
}

TEST(BenchArguments, OfflineQueuesDurablyAndFlatOut) {
  const auto parsed = parse({"offline"});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->options.publishers, 100u);
  EXPECT_EQ(parsed->options.subscribers, 1u);
  EXPECT_EQ(parsed->options.window, 100u);
  EXPECT_EQ(parsed->options.qos, 1);
  EXPECT_EQ(parsed->options.subscribe_qos, 1);
  EXPECT_EQ(parsed->options.payload_bytes, 64u);
  EXPECT_TRUE(parsed->options.collect);
  EXPECT_FALSE(parse({"offline", "--no-drain"})->options.collect);
}

TEST(BenchOptions, ShareTheMessagesOfAnOfflineRun) {
  BenchOptions options = parse({"offline", "--messages", "10", "--publishers", "4"})->options;
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < 4; ++i) sum += messages_of(options, i);
  EXPECT_EQ(sum, 10u);
  EXPECT_EQ(messages_of(options, 1), 3u);
  EXPECT_EQ(messages_of(options, 2), 2u);
  options.messages = 0;
  EXPECT_GT(messages_of(options, 0), 1'000'000'000'000u);
}

TEST(BenchOptions, OweTheMessagesOfOwnTopicsInTurn) {
  BenchOptions options = parse({"offline", "--topics", "own", "--publishers", "2", "--subscribers", "3"})->options;
  std::vector<std::uint32_t> owed;
  for (std::uint64_t sequence = 0; sequence < 3; ++sequence) {
    for (std::uint32_t publisher = 0; publisher < 2; ++publisher) {
      owed.push_back(owed_subscriber(options, publisher, sequence));
    }
  }
  EXPECT_EQ(owed, (std::vector<std::uint32_t>{0, 1, 2, 0, 1, 2}));
  EXPECT_EQ(deliveries_per_message(options), 1u);
  options.own_topics = false;
  EXPECT_EQ(deliveries_per_message(options), 3u);
}

TEST(BenchOptions, TellEachMessagesTopic) {
  EXPECT_EQ(topic_of(parse({"p2p"})->options, 7, 100), 7u);
  EXPECT_EQ(topic_of(parse({"retained"})->options, 7, 100), 1007u);  // of 10 publishers
  EXPECT_EQ(topic_of(parse({"subscribe", "--subscriptions", "60"})->options, 0, 100), 40u);
  EXPECT_EQ(topic_of(parse({"offline", "--topics", "own", "--subscribers", "3"})->options, 1, 1), 2u);
}

TEST(BenchOptions, BoundTheBacklogBySizes) {
  EXPECT_EQ(effective_backlog(parse({"fan-in"})->options), 5u);
  EXPECT_EQ(effective_backlog(parse({"fan-in", "--publishers", "100000"})->options), 2u);
  EXPECT_EQ(effective_backlog(parse({"p2p"})->options), 100u);
  EXPECT_EQ(effective_backlog(parse({"large"})->options), 32u);
  EXPECT_EQ(effective_backlog(parse({"large", "--payload", "10000000"})->options), 2u);
  EXPECT_EQ(effective_backlog(parse({"large", "--backlog", "7"})->options), 7u);
}

}  // namespace
}  // namespace martlet::tools::bench
