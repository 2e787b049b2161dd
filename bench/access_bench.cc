// What a question to the authorizer costs: 10, 1 thousand and 10 thousand rules, and with a shadow beside.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "auth/access_chain.h"
#include "auth/access_mosquitto.h"
#include "auth/access_rules.h"
#include "auth/access_rules_parser.h"
#include "base/check.h"

namespace martlet::auth {
namespace {

constexpr std::string_view kUser = "ann";
constexpr std::string_view kClient = "device-17";

std::string rule(std::string_view who, std::string_view what) {
  return fmt::format("[[rule]]\neffect = \"allow\"\n{}\n{}\n", who, what);
}

std::shared_ptr<AccessRules> rules(const std::string& text) {
  auto file = parse_access_rules(text, "rules.toml");
  check(file.has_value(), "the benchmark's rules are in order");
  return std::make_shared<AccessRules>(std::move(*file), "rules.toml", "rules", std::vector<std::string>{"tcp"});
}

// Each rule is for another user; the last is for the one that asks.
std::string rules_of_users(std::int64_t count) {
  std::string text;
  for (std::int64_t i = 1; i < count; ++i) {
    text += rule(fmt::format("user = \"user-{}\"", i), fmt::format("all = \"home/{}/#\"", i));
  }
  return text + rule("user = \"ann\"", "all = \"home/ann/#\"");
}

// All rules are for the one that asks; the last is for the topic.
std::string rules_of_one(std::int64_t count) {
  std::string text;
  for (std::int64_t i = 1; i < count; ++i) {
    text += rule("user = \"ann\"", fmt::format("all = \"home/{}/{}\"", i, i % 3 == 0 ? "+" : "#"));
  }
  return text + rule("user = \"ann\"", "all = \"home/ann/#\"");
}

// Nothing can be looked up: every rule has to be looked at, and its filter begins with a placeholder.
std::string rules_of_globs(std::int64_t count) {
  std::string text;
  for (std::int64_t i = 1; i < count; ++i) {
    text += rule(fmt::format("user = \"user-{}*\"", i), "all = \"%c/x\"");
  }
  return text + rule("user = \"ann\"", "all = \"home/%u/#\"");
}

std::string one_with_placeholder(std::int64_t) {
  return rule("anonymous = false", "all = \"home/%u/#\"");
}

broker::Actor asker() {
  broker::Actor actor;
  actor.username = kUser;
  actor.client_id = kClient;
  actor.peer_address = "192.0.2.1:50123";
  return actor;
}

void ask(benchmark::State& state, AccessSource& source, const AccessQuestion& question) {
  const broker::Actor actor = asker();
  for (auto _ : state) {
    const AccessOpinion opinion = source.check(actor, question);
    benchmark::DoNotOptimize(opinion);
    if (opinion.kind != AccessOpinion::Kind::allow) state.SkipWithError("denied");
  }
}

using MakeRules = std::string (*)(std::int64_t);

void rules_publish(benchmark::State& state, MakeRules make) {
  const auto source = rules(make(state.range(0)));
  ask(state, *source, {Action::publish, "home/ann/kitchen/temperature", wire::QoS::at_least_once, false});
}

void rules_subscribe(benchmark::State& state, MakeRules make) {
  const auto source = rules(make(state.range(0)));
  ask(state, *source, {Action::subscribe, "home/ann/+/temperature", wire::QoS::at_least_once, false});
}

void mosquitto_publish(benchmark::State& state) {
  std::string text = "user ann\n";
  for (std::int64_t i = 1; i < state.range(0); ++i) text += fmt::format("topic write home/{}/#\n", i);
  text += "pattern write home/%u/#\n";
  auto acl = parse_mosquitto_acl(text, "acl");
  check(acl.has_value(), "the benchmark's file is in order");
  AccessMosquitto source(std::move(*acl), "acl", "mosquitto", false);
  ask(state, source, {Action::publish, "home/ann/kitchen/temperature", wire::QoS::at_least_once, false});
}

// The whole chain, as the broker asks it; 1: with a shadow that agrees, 2: with one that differs.
void chain_publish(benchmark::State& state) {
  const auto real = rules(rules_of_one(1'000));
  AccessChain::Sources shadows;
  if (state.range(0) == 1) shadows.push_back(rules(rules_of_one(1'000)));
  if (state.range(0) == 2) shadows.push_back(rules(rule("user = \"bob\"", "all = \"#\"")));
  AccessChain chain({real}, shadows, nullptr);
  const broker::Actor actor = asker();
  for (auto _ : state) {
    const auto decision = chain.may_publish(actor, "home/ann/kitchen/temperature", wire::QoS::at_least_once, false);
    benchmark::DoNotOptimize(decision);
    if (!decision.allowed) state.SkipWithError("denied");
  }
}

BENCHMARK_CAPTURE(rules_publish, one_with_placeholder, one_with_placeholder)->Arg(1);
BENCHMARK_CAPTURE(rules_publish, other_users, rules_of_users)->Arg(10)->Arg(1'000)->Arg(10'000);
BENCHMARK_CAPTURE(rules_publish, of_this_user, rules_of_one)->Arg(10)->Arg(1'000)->Arg(10'000);
BENCHMARK_CAPTURE(rules_publish, globs, rules_of_globs)->Arg(10)->Arg(1'000)->Arg(10'000);
BENCHMARK_CAPTURE(rules_subscribe, of_this_user, rules_of_one)->Arg(10)->Arg(1'000)->Arg(10'000);
BENCHMARK(mosquitto_publish)->Arg(10)->Arg(1'000)->Arg(10'000);
BENCHMARK(chain_publish)->Arg(0)->Arg(1)->Arg(2);

}  // namespace
}  // namespace martlet::auth
