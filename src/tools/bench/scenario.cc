#include "tools/bench/scenario.h"

namespace martlet::tools::bench {
namespace {

// Those of the Open MQTT Benchmark Suite (EMQ), single node, whose smaller forms the sets named ...-1K and ...-10K are.
void as_in_suite(BenchOptions& options, Scenario scenario, std::uint32_t publishers, std::uint32_t subscribers,
                 double rate_per_s) {
  options.scenario = scenario;
  options.version = wire::ProtocolVersion::v3_1_1;
  options.publishers = publishers;
  options.subscribers = subscribers;
  options.rate_per_s = rate_per_s;
  options.qos = options.subscribe_qos = 1;
  options.payload_bytes = 16;
  options.keep_alive_s = 300;
}

void shared_as_in_suite(BenchOptions& options, std::uint32_t publishers, std::uint32_t subscribers) {
  as_in_suite(options, Scenario::fan_in, publishers, subscribers, publishers);
  options.version = wire::ProtocolVersion::v5_0;
  options.shared = true;
}

void with_counts(BenchOptions& options, Scenario scenario, std::uint32_t publishers, std::uint32_t subscribers) {
  options.scenario = scenario;
  options.publishers = publishers;
  options.subscribers = subscribers;
}

constexpr NamedScenario kScenarios[] = {
    {"p2p", "publisher i to subscriber i; 500 pairs (the default)",
     [](BenchOptions& o) { with_counts(o, Scenario::p2p, 500, 500); }},
    {"fan-out", "1 publisher to 1000 subscribers", [](BenchOptions& o) { with_counts(o, Scenario::fan_out, 1, 1000); }},
    {"fan-in", "1000 publishers to 5 subscribers of PREFIX/#",
     [](BenchOptions& o) { with_counts(o, Scenario::fan_in, 1000, 5); }},
    {"shared", "1000 publishers to one shared subscription of 5 (5.0 only)",
     [](BenchOptions& o) {
       with_counts(o, Scenario::fan_in, 1000, 5);
       o.shared = true;
     }},
    {"large", "p2p with 64 KiB payloads; 10 pairs",
     [](BenchOptions& o) {
       with_counts(o, Scenario::p2p, 10, 10);
       o.payload_bytes = 65'536;
     }},
    {"connect", "connect storm: 10,000 connections, held for 1 s",
     [](BenchOptions& o) {
       o.scenario = Scenario::connect;
       o.connections = 10'000;
       o.duration_s = 1;
     }},
    {"idle", "10,000 idle connections, held for 10 s: memory and CPU time",
     [](BenchOptions& o) {
       o.scenario = Scenario::connect;
       o.connections = 10'000;
     }},
    {"churn", "clients that connect, subscribe to a topic of their own and leave; 200 at once",
     [](BenchOptions& o) {
       o.scenario = Scenario::churn;
       o.connections = 200;
     }},
    {"subscribe", "1 client subscribes to 100,000 topics; then publishes among them",
     [](BenchOptions& o) { with_counts(o, Scenario::subscribe, 1, 1); }},
    {"offline", "100 publishers to 1 persistent session that is away; then it drains",
     [](BenchOptions& o) {
       with_counts(o, Scenario::offline, 100, 1);
       o.qos = o.subscribe_qos = 1;
       o.window = 100;
     }},
    {"retained", "100,000 topics with a retained message each; then 1 subscriber gets them all",
     [](BenchOptions& o) {
       with_counts(o, Scenario::retained, 10, 1);
       o.qos = o.subscribe_qos = 1;
       o.window = 100;
       o.messages = 100'000;
     }},
    {"p2p-1K", "set: 1000 pairs, 1 message/s each, QoS 1, 16 bytes",
     [](BenchOptions& o) { as_in_suite(o, Scenario::p2p, 1000, 1000, 1000); }},
    {"fanout-1-1K", "set: 1 publisher, 1 message/s, 1000 subscribers, QoS 1, 16 bytes",
     [](BenchOptions& o) { as_in_suite(o, Scenario::fan_out, 1, 1000, 1); }},
    {"sharedsub-1K-5", "set: 1000 publishers, 1 message/s each, 5 sharing, QoS 1, 16 bytes",
     [](BenchOptions& o) { shared_as_in_suite(o, 1000, 5); }},
    {"fanin-1K-5", "set: 1000 publishers, 1 message/s each, 5 wildcard subscribers, QoS 1",
     [](BenchOptions& o) { as_in_suite(o, Scenario::fan_in, 1000, 5, 1000); }},
    {"conn-10K", "set: 10,000 connections at 100/s, keep alive 300 s, held for 10 s",
     [](BenchOptions& o) {
       as_in_suite(o, Scenario::connect, 0, 0, 100);
       o.connections = 10'000;
     }},
    {"p2p-50K", "large set: 50,000 pairs, 1 message/s each, QoS 1, 16 bytes",
     [](BenchOptions& o) { as_in_suite(o, Scenario::p2p, 50'000, 50'000, 50'000); }},
    {"fanout-5-1K", "large set: 5 publishers, 50 messages/s each, 1000 subscribers, QoS 1",
     [](BenchOptions& o) { as_in_suite(o, Scenario::fan_out, 5, 1000, 250); }},
    {"sharedsub-50K-500", "large set: 50,000 publishers, 1 message/s each, 500 sharing, QoS 1",
     [](BenchOptions& o) { shared_as_in_suite(o, 50'000, 500); }},
    {"conn-1M", "large set: 1,000,000 connections at 5000/s, keep alive 300 s",
     [](BenchOptions& o) {
       as_in_suite(o, Scenario::connect, 0, 0, 5000);
       o.connections = 1'000'000;
     }},
};

}  // namespace

std::span<const NamedScenario> scenarios() {
  return kScenarios;
}

const NamedScenario* find_scenario(std::string_view name) {
  for (const NamedScenario& scenario : kScenarios) {
    if (scenario.name == name) return &scenario;
  }
  return nullptr;
}

std::vector<std::string_view> scenario_names() {
  std::vector<std::string_view> names;
  for (const NamedScenario& scenario : kScenarios) names.push_back(scenario.name);
  return names;
}

}  // namespace martlet::tools::bench
