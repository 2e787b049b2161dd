#include "server/config/option.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "server/config/option_table.h"

namespace martlet::server {
namespace {

using Type = WrittenValue::Type;
using testing::HasSubstr;

constexpr OptionFacts kBytes{
    .name = "b", .kind = OptionKind::bytes, .description = "", .min = 1024, .max = std::int64_t{1} << 40};
constexpr OptionFacts kMilliseconds{
    .name = "m", .kind = OptionKind::duration_ms, .description = "", .min = 100, .max = 86'400'000};
constexpr OptionFacts kSeconds{
    .name = "s", .kind = OptionKind::duration_s, .description = "", .min = 1, .max = 86'400, .off = 0};
constexpr OptionFacts kInteger{.name = "i", .kind = OptionKind::integer, .description = "", .min = 1, .max = 65'535};

std::int64_t number(const OptionFacts& facts, std::string text, Type type = Type::untyped) {
  const auto read = read_number(facts, {type, text});
  EXPECT_TRUE(read) << text << ": " << read.error().message;
  return read.value_or(-1);
}

std::string error(const OptionFacts& facts, std::string text, Type type = Type::untyped) {
  const auto read = read_number(facts, {type, text});
  EXPECT_FALSE(read) << text << " was taken as " << read.value_or(0);
  return read ? "" : read.error().message;
}

TEST(OptionValue, Bytes) {
  EXPECT_EQ(number(kBytes, "4096"), 4096);
  EXPECT_EQ(number(kBytes, "4096", Type::integer), 4096);
  EXPECT_EQ(number(kBytes, "64KiB", Type::string), 65'536);
  EXPECT_EQ(number(kBytes, "64 KiB"), 65'536);
  EXPECT_EQ(number(kBytes, "2 MiB"), 2 << 20);
  EXPECT_EQ(number(kBytes, "3GiB"), std::int64_t{3} << 30);
  EXPECT_EQ(number(kBytes, "2000 B"), 2000);
  EXPECT_THAT(error(kBytes, "64 KB"), HasSubstr("\"KB\" is not a unit"));
  EXPECT_THAT(error(kBytes, "1023"), HasSubstr("1 KiB to 1024 GiB"));
  EXPECT_THAT(error(kBytes, "-5"), HasSubstr("1 KiB to 1024 GiB"));
  EXPECT_THAT(error(kBytes, "9000000000 GiB"), HasSubstr("1 KiB to 1024 GiB"));
  EXPECT_THAT(error(kBytes, "99999999999999999999"), HasSubstr("1 KiB to 1024 GiB"));
  EXPECT_THAT(error(kBytes, ""), HasSubstr("not a number"));
  EXPECT_THAT(error(kBytes, "true", Type::boolean), HasSubstr("1 KiB to 1024 GiB"));
  EXPECT_THAT(error(kBytes, "never"), HasSubstr("not a number"));
}

TEST(OptionValue, Durations) {
  EXPECT_EQ(number(kMilliseconds, "250ms"), 250);
  EXPECT_EQ(number(kMilliseconds, "30s"), 30'000);
  EXPECT_EQ(number(kMilliseconds, "2 h"), 7'200'000);
  EXPECT_EQ(number(kSeconds, "10m"), 600);
  EXPECT_EQ(number(kSeconds, "1d"), 86'400);
  EXPECT_EQ(number(kSeconds, "never"), 0);
  EXPECT_EQ(number(kSeconds, "0", Type::integer), 0) << "what never stands for may be written as a number too";
  EXPECT_THAT(error(kSeconds, "500ms"), HasSubstr("\"ms\" is not a unit"));
  EXPECT_THAT(error(kSeconds, "30", Type::integer), HasSubstr("30 of what?"));
  EXPECT_THAT(error(kSeconds, "2d"), HasSubstr("1s to 1d, or never, in s, m, h or d"));
  EXPECT_THAT(error(kMilliseconds, "never"), HasSubstr("100ms to 1d, in ms, s, m, h or d"));
}

TEST(OptionValue, Integers) {
  EXPECT_EQ(number(kInteger, "1"), 1);
  EXPECT_EQ(number(kInteger, "65535", Type::integer), 65'535);
  EXPECT_THAT(error(kInteger, "0"), HasSubstr("1 to 65535"));
  EXPECT_THAT(error(kInteger, "65536"), HasSubstr("1 to 65535"));
  EXPECT_THAT(error(kInteger, "12x"), HasSubstr("not a number"));
  EXPECT_THAT(error(kInteger, "12", Type::string), HasSubstr("1 to 65535"));
}

TEST(OptionTable, NamesAreUniqueAndHaveASection) {
  std::set<std::string_view> names;
  for (const auto& option : server_options()) {
    EXPECT_TRUE(names.insert(option.facts.name).second) << option.facts.name << " is there twice";
    EXPECT_NE(option.facts.name.find('.'), std::string_view::npos) << option.facts.name;
    EXPECT_TRUE(option.facts.description.ends_with('.')) << option.facts.name;
  }
}

// What a row shows of the default is what it takes, and nothing changes by it.
TEST(OptionTable, DefaultsAreWithinTheirOwnRange) {
  for (const auto& option : server_options()) {
    ServerConfig config;
    const std::string before = option.value_text(config);
    if (before.empty() && option.get) continue;  // unset, and nothing stands for that
    const auto applied = option.apply(config, {Type::untyped, before});
    ASSERT_TRUE(applied) << option.facts.name << " = " << before << ": " << applied.error().message;
    EXPECT_EQ(option.value_text(config), before) << option.facts.name;
  }
}

// Each row reaches a field of its own, at both ends of its range.
TEST(OptionTable, EveryRowSetsItsOwnField) {
  for (const auto& option : server_options()) {
    if (!option.get) continue;
    const std::int64_t last =
        option.facts.choices.empty() ? option.facts.max : static_cast<std::int64_t>(option.facts.choices.size()) - 1;
    for (const std::int64_t value : {option.facts.min, last}) {
      ServerConfig config;
      option.set(config, value);
      EXPECT_EQ(option.get(config), value) << option.facts.name << " does not hold " << value;
      for (const auto& other : server_options()) {
        if (&other == &option || !other.get) continue;
        EXPECT_EQ(other.get(config), other.get(ServerConfig{}))
            << option.facts.name << " also changes " << other.facts.name;
      }
    }
  }
}

TEST(OptionTable, WordsAreInTheOrderOfTheirEnumerations) {
  ServerConfig config;
  const auto set = [&](std::string_view name, std::string text) {
    ASSERT_TRUE(find_option(server_options(), name)->apply(config, {Type::string, std::move(text)}));
  };
  set("mqtt.shared_strategy", "least_in_flight");
  EXPECT_EQ(config.broker.shared_strategy, broker::SharedStrategy::least_in_flight);
  set("mqtt.shared_strategy", "hash_topic");
  EXPECT_EQ(config.broker.shared_strategy, broker::SharedStrategy::hash_topic);
  set("mqtt.overlapping", "separate");
  EXPECT_EQ(config.broker.overlap, broker::OverlapDelivery::separate);
  set("queue.drop_policy", "oldest");
  EXPECT_EQ(config.broker.endpoint.queue.policy, session::DropPolicy::drop_oldest);
  set("log.level", "error");
  EXPECT_EQ(config.log.level, broker::LogLevel::error);
  set("log.format", "json");
  EXPECT_EQ(config.log.format, LogFormat::json);
  set("mqtt.maximum_qos", "1");
  EXPECT_EQ(config.broker.endpoint.maximum_qos, wire::QoS::at_least_once);
}

}  // namespace
}  // namespace martlet::server
