#include "tools/bench/report.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace martlet::tools::bench {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(BenchVerdict, IsSpoiledByEachFault) {
  const BenchOptions options;
  EXPECT_TRUE(is_clean(RunResult(), options));
  for (std::uint64_t Faults::*fault : {&Faults::missing, &Faults::duplicated, &Faults::reordered, &Faults::foreign}) {
    RunResult result;
    result.faults.*fault = 1;
    EXPECT_FALSE(is_clean(result, options));
  }
  for (std::uint64_t RunResult::*fault : {&RunResult::refused, &RunResult::connections_lost}) {
    RunResult result;
    result.*fault = 1;
    EXPECT_FALSE(is_clean(result, options));
  }
  RunResult behind;
  behind.drained = false;
  EXPECT_FALSE(is_clean(behind, options));
}

TEST(BenchVerdict, AllowsLossAtQosZeroOnly) {
  BenchOptions options;
  options.allow_loss = true;
  RunResult result;
  result.faults.missing = 5;
  EXPECT_TRUE(is_clean(result, options));
  options.qos = 1;
  EXPECT_FALSE(is_clean(result, options));
}

TEST(BenchReport, GivesRatesOfTheMeasuredTime) {
  BenchOptions options;
  options.duration_s = 2;
  RunResult result;
  result.measured_s = 2;
  result.sent_in_window = 2'000;
  result.received_in_window = 3'000;
  result.latency_ns.record(1'000);
  EXPECT_THAT(to_json(result, options), HasSubstr(R"("sent_per_s":1000.0,"received_per_s":1500.0)"));
  EXPECT_THAT(to_table(result, options), HasSubstr("1000 sent/s, 1500 received/s, 0.1 MB/s"));
  EXPECT_THAT(to_table(result, options), HasSubstr("clean"));
  EXPECT_THAT(to_json(result, options), Not(HasSubstr("\"broker\"")));
}

TEST(BenchReport, GivesCpuTimePerDelivery) {
  RunResult result;
  BrokerUse use;
  use.measure_begin.cpu_s = 1;
  use.measure_end.cpu_s = 1.5;
  use.measured_s = 1;
  use.received_between = 1'000'000;
  result.broker = use;
  EXPECT_THAT(to_json(result, {}), HasSubstr(R"("cpu_percent":50.00,"cpu_us_per_delivery":0.5000)"));
}

TEST(BenchVerdict, OfflineNeedsItsSessionsRemoved) {
  BenchOptions options;
  options.scenario = Scenario::offline;
  RunResult result;
  EXPECT_FALSE(is_clean(result, options));
  result.offline.cleaned = true;
  EXPECT_TRUE(is_clean(result, options));
}

void fill_offline(RunResult& result) {
  result.measured_s = 2;
  result.received = 6'000;
  result.offline.acknowledged = 3'000;
  result.offline.acknowledged_in_window = 2'000;
  result.offline.owed = 6'000;
  result.offline.drain_s = 0.5;
  result.latency_ns.record(900);
  result.latency_ns.record(1'500);
  result.latency_ns.record(1'600);
}

TEST(BenchReport, TellsOfflineFromTheRest) {
  BenchOptions options;
  options.scenario = Scenario::offline;
  options.subscribers = 2;
  RunResult result;
  fill_offline(result);
  const std::string json = to_json(result, options);
  EXPECT_THAT(json, HasSubstr(R"("offline":{"acknowledged":3000,"acknowledged_per_s":1000.0,)"));
  EXPECT_THAT(json, HasSubstr(R"("owed":6000,"drain_s":0.5000,"drained_per_s":12000.0,)"));
  EXPECT_THAT(json, HasSubstr(R"("latency_histogram_us":[[1.024,1],[2.048,2]])"));
  EXPECT_THAT(json, Not(HasSubstr("rss_bytes_per_owed")));
  EXPECT_THAT(to_table(result, options), HasSubstr("1000 acknowledged/s (3000 in all), 6000 deliveries owed"));
  EXPECT_THAT(to_table(result, options), HasSubstr("6000 in 0.50 s, 12000/s"));
  options.collect = false;
  EXPECT_THAT(to_table(result, options), Not(HasSubstr("drain ")));
  options.scenario = Scenario::p2p;
  EXPECT_THAT(to_json(result, options), Not(HasSubstr("\"offline\"")));
}

TEST(BenchReport, DividesWhatTheBrokerUsedForTheOwed) {
  BenchOptions options;
  options.scenario = Scenario::offline;
  options.subscribers = 2;
  RunResult result;
  fill_offline(result);
  BrokerUse use;
  use.measure_end.cpu_s = 0.01;
  result.broker = use;
  result.offline.acknowledged_between = 2'000;
  result.offline.full.rss_bytes = 60'000;
  result.offline.drain_end.cpu_s = 0.006;
  const std::string json = to_json(result, options);
  EXPECT_THAT(json, HasSubstr(R"("cpu_us_per_message":5.0000,"cpu_us_per_owed":2.50000,"cpu_us_per_drained":1.0000)"));
  EXPECT_THAT(json, HasSubstr(R"("rss_bytes_per_owed":10.00)"));
  EXPECT_THAT(to_table(result, options), HasSubstr("10.0 bytes each"));
}

TEST(BenchReport, DividesMemoryByTheRetainedMessages) {
  BenchOptions options;
  options.scenario = Scenario::retained;
  options.subscribers = 2;
  RunResult result;
  fill_offline(result);
  result.broker = BrokerUse();
  result.offline.full.rss_bytes = 60'000;
  EXPECT_FALSE(is_clean(result, options));
  result.offline.cleaned = true;
  EXPECT_TRUE(is_clean(result, options));
  const std::string json = to_json(result, options);
  EXPECT_THAT(json, HasSubstr(R"("retained":{"acknowledged":3000,)"));
  EXPECT_THAT(json, HasSubstr(R"("rss_bytes_per_retained":20.00)"));
  EXPECT_THAT(to_table(result, options), HasSubstr("with all retained: 20.0 bytes each"));
}

TEST(BenchReport, CountsTheRoundsOfAChurn) {
  BenchOptions options;
  options.scenario = Scenario::churn;
  options.connections = 7;
  RunResult result;
  result.measured_s = 2;
  for (int i = 0; i < 100; ++i) result.round_ns.record(1'000);
  BrokerUse use;
  use.measure_end.cpu_s = 0.002;
  result.broker = use;
  const std::string table = to_table(result, options);
  EXPECT_THAT(table, HasSubstr("7 connections at once, flat out"));
  EXPECT_THAT(table, HasSubstr("100 came and went, 50/s"));
  EXPECT_THAT(table, HasSubstr("20.00 us a connection"));
  EXPECT_THAT(table, Not(HasSubstr("accounts")));
  EXPECT_THAT(to_json(result, options), HasSubstr(R"("churn":{"rounds":100,"rounds_per_s":50.0,)"));
}

TEST(BenchReport, GivesCpuTimePerConnect) {
  BenchOptions options;
  options.scenario = Scenario::connect;
  RunResult result;
  result.connections = 1'000;
  BrokerUse use;
  use.before.cpu_s = 1;
  use.connected.cpu_s = 1.025;
  use.connected.rss_bytes = 1'500'000;
  result.broker = use;
  EXPECT_THAT(to_json(result, options), HasSubstr(R"("cpu_us_per_connect":25.000)"));
  EXPECT_THAT(to_table(result, options), HasSubstr("25.0 us CPU and 1500 bytes RSS a connection"));
}

TEST(BenchReport, NamesTheTransport) {
  BenchOptions options;
  const auto json_has = [&](std::string_view name) {
    return testing::Value(to_json(RunResult(), options), HasSubstr(fmt::format(R"("transport":"{}")", name)));
  };
  EXPECT_TRUE(json_has("tcp"));
  options.tls.on = true;
  EXPECT_TRUE(json_has("tls"));
  options.websocket = true;
  EXPECT_TRUE(json_has("wss"));
  EXPECT_THAT(to_table(RunResult(), options), HasSubstr("MQTT 5.0 over wss"));
  options.tls.on = false;
  EXPECT_TRUE(json_has("ws"));
}

TEST(BenchReport, TellsWhatWasForeign) {
  RunResult result;
  result.faults.foreign = 1;
  result.first_fault = "message 3 of publisher 4 came with another topic";
  EXPECT_THAT(to_table(result, {}), HasSubstr("foreign       message 3 of publisher 4"));
  EXPECT_THAT(to_table(result, {}), HasSubstr("FAULTY"));
  EXPECT_THAT(to_json(result, {}), HasSubstr(R"("first_foreign":"message 3 of publisher 4 came)"));
}

TEST(BenchReport, EscapesWhatTheBrokerSaid) {
  RunResult result;
  result.error = "say \"no\"\n";
  EXPECT_THAT(to_json(result, {}), HasSubstr(R"("error":"say \"no\"\n")"));
}

}  // namespace
}  // namespace martlet::tools::bench
