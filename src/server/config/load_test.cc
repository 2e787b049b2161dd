#include "server/config/load.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/config/complete.h"

namespace martlet::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

ConfigErrors errors_of(std::string_view text) {
  ServerConfig config;
  return apply_toml(config, text, "c.toml");
}

TEST(ApplyToml, SetsWhatIsWritten) {
  ServerConfig config;
  const auto errors = apply_toml(config, R"(
[limits]
max_packet_size = "256 KiB"
receive_maximum = 7
slow_reader_timeout = "1m"
[mqtt]
retain_available = false
maximum_qos = 1
session_expiry_max = "7d"
session_expiry_3x = "never"
[server]
data_dir = "a dir"
[log]
[[listener]]
address = "127.0.0.1:1884"
[[listener]]
name = "six"
address = "[::1]"
)",
                                 "c.toml");
  EXPECT_THAT(errors, IsEmpty());
  EXPECT_EQ(config.broker.endpoint.max_packet_bytes, 262'144u);
  EXPECT_EQ(config.broker.endpoint.receive_maximum, 7);
  EXPECT_EQ(config.broker.slow_reader_timeout_ms, 60'000u);
  EXPECT_FALSE(config.broker.endpoint.retain_available);
  EXPECT_EQ(config.broker.endpoint.maximum_qos, wire::QoS::at_least_once);
  EXPECT_EQ(config.broker.max_session_expiry_s, 604'800u);
  EXPECT_EQ(config.broker.session_expiry_3x_s, broker::kExpiryNever);
  EXPECT_EQ(config.data_dir, "a dir");
  EXPECT_THAT(complete_config(config), IsEmpty());
  ASSERT_EQ(config.listeners.size(), 2u);
  EXPECT_EQ(config.listeners[0].name, "127.0.0.1:1884");
  EXPECT_EQ(config.listeners[1].name, "six");
  EXPECT_EQ(config.listeners[1].address, "[::1]:1883");
}

TEST(ApplyToml, SetsWhatLimitsTheLog) {
  ServerConfig config;
  EXPECT_EQ(config.broker.log.max_age_s, 0u);
  EXPECT_THAT(apply_toml(config, R"(
[store]
max_owed_messages = 5
max_owed_bytes = "6 KiB"
max_age = "7d"
max_bytes = "8 GiB"
recent_memory = "9 MiB"
)",
                         "c.toml"),
              IsEmpty());
  EXPECT_EQ(config.broker.endpoint.queue.max_owed_messages, 5u);
  EXPECT_EQ(config.broker.endpoint.queue.max_owed_bytes, 6u << 10);
  EXPECT_EQ(config.broker.log.max_age_s, 604'800u);
  EXPECT_EQ(config.broker.log.max_bytes, std::uint64_t{8} << 30);
  EXPECT_EQ(config.broker.log.recent_bytes, 9u << 20);
  EXPECT_THAT(apply_toml(config, "store.max_age = \"never\"", "c.toml"), IsEmpty());
  EXPECT_EQ(config.broker.log.max_age_s, 0u);
}

TEST(ApplyToml, DurabilityRulesKeepTheirOrder) {
  ServerConfig config;
  EXPECT_THAT(apply_toml(config, R"(
[store]
durability = "interval"
sync_interval = "250ms"
[[durability]]
filter = "telemetry/#"
level = "memory"
[[durability]]
filter = "orders/+"
)",
                         "c.toml"),
              IsEmpty());
  EXPECT_THAT(complete_config(config), IsEmpty());
  const broker::DurabilityOptions& durability = config.broker.durability;
  EXPECT_EQ(durability.level, Durability::interval);
  EXPECT_EQ(durability.sync_interval_ms, 250u);
  ASSERT_EQ(durability.rules.size(), 2u);
  EXPECT_EQ(durability.rules[0].filter, "telemetry/#");
  EXPECT_EQ(durability.rules[0].level, Durability::memory);
  EXPECT_EQ(durability.rules[1].filter, "orders/+");
  EXPECT_EQ(durability.rules[1].level, Durability::fsync);
}

TEST(ApplyToml, DurabilityRulesInTheWrongForm) {
  EXPECT_THAT(errors_of("[durability]\nlevel = \"fsync\"\n"), ElementsAre(HasSubstr("two brackets")));
  EXPECT_THAT(errors_of("durability = \"fsync\"\n"), ElementsAre(HasSubstr("two brackets")));
  EXPECT_THAT(errors_of("[[durability]]\nlevel = \"quorum\"\n"), ElementsAre(HasSubstr("fsync, interval, memory")));
  EXPECT_THAT(errors_of("[[durability]]\ntopic = \"a\"\n"), ElementsAre(HasSubstr("unknown option \"topic\"")));
}

TEST(CompleteConfig, DurabilityFiltersAreChecked) {
  const auto errors_with = [](std::string filter) {
    ServerConfig config;
    config.broker.durability.rules.push_back({std::move(filter), Durability::memory});
    return complete_config(config);
  };
  EXPECT_THAT(errors_with("a/#"), IsEmpty());
  EXPECT_THAT(errors_with(""), ElementsAre(HasSubstr("durability 1: it has no filter")));
  EXPECT_THAT(errors_with("a/#/b"), ElementsAre(HasSubstr("durability 1: filter \"a/#/b\"")));
  EXPECT_THAT(errors_with("$share/g/a"), ElementsAre(HasSubstr("write \"a\"")));
  EXPECT_THAT(errors_with(std::string(2000, 'a')), ElementsAre(HasSubstr("1024 bytes")));
  ServerConfig config;
  config.broker.durability.rules.assign(257, {"a", Durability::memory});
  EXPECT_THAT(complete_config(config), ElementsAre(HasSubstr("257")));
}

TEST(CompleteConfig, SaysWhereAWrongDurabilityRuleStands) {
  ServerConfig config;
  EXPECT_THAT(apply_toml(config,
                         "[[durability]]\nlevel = \"memory\"\nfilter = \"a/#/b\"\n"
                         "[[durability]]\nlevel = \"memory\"\n",
                         "c.toml"),
              IsEmpty());
  EXPECT_THAT(complete_config(config), ElementsAre(StartsWith("c.toml:3: durability 1: filter"),
                                                   StartsWith("c.toml:4: durability 2: it has no")));
}

TEST(ApplyToml, DottedAndInlineFormsAreTheSame) {
  ServerConfig config;
  EXPECT_THAT(apply_toml(config,
                         "limits.receive_maximum = 5\nmqtt = { retain_available = false }\n"
                         "listener = [ { address = \"127.0.0.1:1\" }, { address = \"127.0.0.1:2\" } ]\n",
                         "c.toml"),
              IsEmpty());
  EXPECT_EQ(config.broker.endpoint.receive_maximum, 5);
  EXPECT_FALSE(config.broker.endpoint.retain_available);
  ASSERT_EQ(config.listeners.size(), 2u);
  EXPECT_EQ(config.listeners[1].address, "127.0.0.1:2");
}

TEST(ApplyToml, UnknownNamesGetTheNearestOne) {
  EXPECT_THAT(errors_of("# first\n[limits]\nmax_qeued = 1\n"),
              ElementsAre("c.toml:3: unknown option \"limits.max_qeued\": did you mean "
                          "\"limits.max_queued_messages\"?"));
  EXPECT_THAT(errors_of("[limit]\nreceive_maximum = 1\n"),
              ElementsAre("c.toml:2: unknown table [limit]: did you mean [limits]?"));
  EXPECT_THAT(errors_of("[listner]\naddress = \"x\"\nname = \"y\"\n[limits]\n"),
              ElementsAre("c.toml:2: unknown table [listner]: did you mean [[listener]]?"));
  EXPECT_THAT(errors_of("receive_maximum = 1\n"),
              ElementsAre("c.toml:1: unknown option \"receive_maximum\": did you mean \"limits.receive_maximum\"?"));
  EXPECT_THAT(errors_of("[[listener]]\nadress = \"x\"\n"),
              ElementsAre("c.toml:2: unknown option \"adress\" in [[listener]]: did you mean \"address\"?"));
  EXPECT_THAT(errors_of("[[authentication]]\nkind = \"certificate\"\nlisteners = [\"a\"]\n"),
              ElementsAre("c.toml:3: unknown option \"listeners\" in [[authentication]]"));
  EXPECT_THAT(errors_of("[[rule]]\neffect = \"allow\"\n"),
              ElementsAre(HasSubstr("rules stand in a file of their own, the path of an [[authorization]]")));
  EXPECT_THAT(errors_of("listener 1883\n"), ElementsAre(HasSubstr("--mosquitto-conf")));
  EXPECT_THAT(errors_of("frobnicate = 1\n"), ElementsAre("c.toml:1: unknown option \"frobnicate\""));
  EXPECT_THAT(errors_of("[frobs]\n"), ElementsAre("c.toml:1: unknown table [frobs]"));
}

TEST(ApplyToml, WrongValuesNameOptionAndRange) {
  EXPECT_THAT(errors_of("[limits]\nreceive_maximum = 0\n"),
              ElementsAre("c.toml:2: option \"limits.receive_maximum\" = 0: it must be 1 to 65535"));
  EXPECT_THAT(errors_of("[limits]\nreceive_maximum = \"7\"\n"), ElementsAre(HasSubstr("it must be 1 to 65535")));
  EXPECT_THAT(errors_of("[limits]\nmax_packet_size = 1.5\n"),
              ElementsAre(HasSubstr("\"limits.max_packet_size\" is a number with a fraction: it must be 20 B to")));
  EXPECT_THAT(errors_of("[limits]\nmax_packet_size = \"257MiB\"\n"), ElementsAre(HasSubstr("268435460 B")));
  EXPECT_THAT(errors_of("limits.receive_maximum = [1]\n"), ElementsAre(HasSubstr("is an array")));
  EXPECT_THAT(errors_of("limits.receive_maximum = {}\n"), ElementsAre(HasSubstr("is a table")));
  EXPECT_THAT(errors_of("[mqtt]\nretain_available = \"yes\"\n"), ElementsAre(HasSubstr("true or false")));
  EXPECT_THAT(errors_of("[mqtt]\nretain_available = \"true\"\n"), ElementsAre(HasSubstr("write it without quotes")));
  EXPECT_THAT(errors_of("[mqtt]\nshared_strategy = \"stick\"\n"),
              ElementsAre(HasSubstr("one of round_robin, random, sticky, hash_topic, hash_client, least_in_flight: did "
                                    "you mean \"sticky\"?")));
}

TEST(ApplyToml, AllErrorsAreReportedInTheirOrder) {
  EXPECT_THAT(errors_of("[sys]\ninterval = 3\n[log]\nlevel = \"loud\"\nlevle = 1\n"),
              ElementsAre(StartsWith("c.toml:2: "), StartsWith("c.toml:4: "), StartsWith("c.toml:5: ")));
}

TEST(ApplyToml, ErrorsAndTablesAreBounded) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += fmt::format("x{} = 1\n", i);
  const ConfigErrors errors = errors_of(text);
  ASSERT_EQ(errors.size(), 101u);
  EXPECT_EQ(errors.back(), "c.toml:100: what comes behind this is not looked at");
  text.clear();
  for (int i = 0; i < 1'500; ++i) text += "[[listener]]\naddress = \"127.0.0.1:1\"\n";
  EXPECT_THAT(errors_of(text), ElementsAre("c.toml:2001: there are more than 1000 tables [[listener]]"));
}

TEST(ApplyToml, ListenersInTheWrongForm) {
  EXPECT_THAT(errors_of("[listener]\naddress = \"127.0.0.1:1\"\n"), ElementsAre(HasSubstr("two brackets")));
  EXPECT_THAT(errors_of("listener = \"127.0.0.1:1\"\n"), ElementsAre(HasSubstr("two brackets")));
  EXPECT_THAT(errors_of("[[listeners]]\naddress = \"x\"\n"),
              ElementsAre(HasSubstr("[[listeners]]; there are [[listener]], [[durability]], [[authentication]], "
                                    "[[authorization]]: did you mean \"listener\"?")));
}

TEST(ApplyToml, BrokenTomlNamesTheLine) {
  EXPECT_THAT(errors_of("[limits]\nreceive_maximum = \n"), ElementsAre(StartsWith("c.toml:2: ")));
  EXPECT_THAT(errors_of("[limits]\nmax_in_flight = 1\nmax_in_flight = 2\n"), ElementsAre(StartsWith("c.toml:3: ")));
  EXPECT_THAT(errors_of(std::string_view("a = \"\0\"", 7)), ElementsAre(StartsWith("c.toml:1: ")));
}

TEST(ApplyAssignment, SetsOneOption) {
  ServerConfig config;
  ASSERT_TRUE(apply_assignment(config, "limits.max_packet_size=64KiB"));
  EXPECT_EQ(config.broker.endpoint.max_packet_bytes, 65'536u);
  ASSERT_TRUE(apply_assignment(config, "mqtt.response_information=a=b"));
  EXPECT_EQ(config.broker.response_information, "a=b");
  ASSERT_TRUE(apply_assignment(config, "mqtt.retain_available=false"));
  EXPECT_FALSE(config.broker.endpoint.retain_available);
}

TEST(ApplyAssignment, ErrorsSayWhere) {
  ServerConfig config;
  EXPECT_THAT(apply_assignment(config, "limits.max_packet_size").error().message, HasSubstr("section.key=value"));
  EXPECT_EQ(apply_assignment(config, "log.levle=debug").error().message,
            "--set: unknown option \"log.levle\": did you mean \"log.level\"?");
  EXPECT_EQ(apply_assignment(config, "limits.max_in_flight=70000").error().message,
            "--set: option \"limits.max_in_flight\" = 70000: it must be 1 to 65535");
}

TEST(CompleteConfig, WithoutListenersItIsLoopback) {
  ServerConfig config;
  EXPECT_THAT(complete_config(config), IsEmpty());
  ASSERT_EQ(config.listeners.size(), 1u);
  EXPECT_EQ(config.listeners[0].address, "127.0.0.1:1883");
}

TEST(CompleteConfig, ListenersAreChecked) {
  ServerConfig config;
  config.listeners = {{"", "127.0.0.1"}, {"again", "127.0.0.1:1883"}, {"", ""}, {"", "127.0.0.1:70000"}};
  EXPECT_THAT(complete_config(config), ElementsAre(HasSubstr("two listeners have the address 127.0.0.1:1883"),
                                                   HasSubstr("listener 3 has no address"), HasSubstr("listener 4: ")));
  config.listeners = {{"", "127.0.0.1:0"}, {"", "127.0.0.1:0"}};
  EXPECT_THAT(complete_config(config), IsEmpty()) << "port 0 is another port each time";
}

TEST(CompleteConfig, AQueueHoldsTheLargestPacket) {
  ServerConfig config;
  ASSERT_TRUE(apply_assignment(config, "limits.max_packet_size=64MiB"));
  EXPECT_THAT(complete_config(config),
              ElementsAre(HasSubstr("limits.max_queued_bytes (16 MiB) must be at least limits.max_packet_size "
                                    "(64 MiB)")));
  ASSERT_TRUE(apply_assignment(config, "limits.max_queued_bytes=64MiB"));
  EXPECT_THAT(complete_config(config), IsEmpty());
  ASSERT_TRUE(apply_assignment(config, "limits.max_retained_bytes=1MiB"));
  EXPECT_THAT(complete_config(config), ElementsAre(HasSubstr("limits.max_retained_bytes (1 MiB)")));
  ASSERT_TRUE(apply_assignment(config, "mqtt.retain_available=false"));
  EXPECT_THAT(complete_config(config), IsEmpty());
}

}  // namespace
}  // namespace martlet::server
