#include "tools/prove/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tools/prove/restarter.h"
#include "tools/prove/subscriber.h"

namespace martlet::tools::prove {
namespace {

using testing::HasSubstr;

ProveOptions options_with_seed() {
  ProveOptions options;
  options.seed = 42;
  return options;
}

RunResult clean_result() {
  RunResult result;
  result.published = 12;
  result.acknowledged.counts = {5, 6};
  result.findings.delivered.counts = {20, 24};
  result.findings.duplicated.counts = {3, 0};
  result.restarts = 2;
  return result;
}

TEST(ProveReport, JsonHasEveryFigure) {
  RunResult result = clean_result();
  result.findings.lost.counts = {0, 1};
  result.breaches["said \"no\""] = 2;
  result.refused["quota exceeded"] = 1;
  result.examples = {"subscriber 0 lost it"};
  const auto json = nlohmann::json::parse(to_json(result, options_with_seed()));
  EXPECT_EQ(json["verdict"], "refuted");
  EXPECT_EQ(json["seed"], 42);
  EXPECT_EQ(json["restarts"], 2);
  EXPECT_EQ(json["acknowledged"]["qos1"], 5);
  EXPECT_EQ(json["acknowledged"]["qos2"], 6);
  EXPECT_EQ(json["lost"]["qos2"], 1);
  EXPECT_EQ(json["duplicated"]["qos1"], 3);
  EXPECT_EQ(json["not_acknowledged"], 0);
  EXPECT_EQ(json["refused"]["quota exceeded"], 1);
  EXPECT_EQ(json["protocol_breaches"]["said \"no\""], 2);
  EXPECT_EQ(json["examples"][0], "subscriber 0 lost it");
}

TEST(ProveReport, TheTableEndsWithTheVerdict) {
  RunResult result = clean_result();
  EXPECT_THAT(to_table(result, options_with_seed()), HasSubstr("\nproved (seed 42)\n"));
  result.interrupted = true;
  EXPECT_THAT(to_table(result, options_with_seed()), HasSubstr("\ninterrupted (seed 42)\n"));
  result.findings.reordered = 1;
  EXPECT_THAT(to_table(result, options_with_seed()), HasSubstr("\nrefuted (seed 42)\n"));
}

TEST(ProvePresence, TheLastOnesAreAway) {
  ProveOptions options;
  options.subscribers = 5;
  options.offline = 3;
  EXPECT_EQ(presence_of(options, 1), Presence::always);
  EXPECT_EQ(presence_of(options, 2), Presence::at_the_end);
  EXPECT_EQ(presence_of(options, 3), Presence::now_and_then);
  EXPECT_EQ(presence_of(options, 4), Presence::at_the_end);
}

// Turns until it is over, or something fails; the time is made up, the command is real.
Result<void> turn_to_the_end(Restarter& restarter) {
  for (DeadlineMs now_ms = 0; !restarter.over(); now_ms += restarter.count() == 0 ? 10 : 0) {
    if (auto turned = restarter.turn(now_ms); !turned) return turned;
  }
  return {};
}

TEST(ProveRestarter, StartsTheCommandInItsTime) {
  ProveOptions options = options_with_seed();
  options.restart_command = "true";
  options.restarts = 1;
  options.restart_least_ms = options.restart_most_ms = 100;
  Restarter restarter(options, 0);
  ASSERT_TRUE(restarter.turn(99));
  EXPECT_EQ(restarter.count(), 0u);
  ASSERT_TRUE(restarter.turn(100));
  EXPECT_EQ(restarter.count(), 1u);
  EXPECT_TRUE(turn_to_the_end(restarter));
  EXPECT_EQ(restarter.count(), 1u);
}

TEST(ProveRestarter, TellsOfACommandThatFails) {
  ProveOptions options = options_with_seed();
  options.restart_command = "exit 9";
  Restarter restarter(options, 0);
  const auto outcome = turn_to_the_end(restarter);
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, HasSubstr("9"));
}

}  // namespace
}  // namespace martlet::tools::prove
