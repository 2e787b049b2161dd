#include "tools/bench/arguments.h"

#include <fmt/format.h>

#include <vector>

#include "tools/argument_table.h"
#include "tools/bench/payload.h"
#include "tools/bench/scenario.h"
#include "tools/bench/topic_name.h"

namespace martlet::tools::bench {
namespace {

using Option = ArgumentRow<BenchOptions>;
using Group = ArgumentGroup<BenchOptions>;

Result<void> set_qos(std::uint8_t& out, std::string_view text) {
  if (text != "0" && text != "1" && text != "2") return fail(fmt::format("needs 0, 1 or 2, not \"{}\"", text));
  out = static_cast<std::uint8_t>(text[0] - '0');
  return {};
}

Result<void> set_version(BenchOptions& options, std::string_view text) {
  if (text == "3.1.1" || text == "4") {
    options.version = wire::ProtocolVersion::v3_1_1;
  } else if (text == "5" || text == "5.0") {
    options.version = wire::ProtocolVersion::v5_0;
  } else {
    return fail(fmt::format("needs 3.1.1 or 5, not \"{}\"", text));
  }
  return {};
}

Result<void> set_host(BenchOptions& options, std::string_view text) {
  auto endpoint = env::parse_endpoint(text, options.broker.port);
  if (!endpoint) return tl::unexpected(endpoint.error());
  options.broker = std::move(*endpoint);
  return {};
}

// A text of the TLS options; any of them asks for TLS.
Result<void> set_tls_file(BenchOptions& options, std::string& out, std::string_view text) {
  if (text.empty()) return fail("needs a value");
  options.tls.on = true;
  out = text;
  return {};
}

std::uint16_t default_port(const BenchOptions& options) {
  if (options.websocket) return options.tls.on ? 443 : 80;
  return options.tls.on ? 8883 : 1883;
}

constexpr std::uint32_t kMostClients = kMaxPublishers;
constexpr double kMostSeconds = 86'400;

constexpr Option kConnectionOptions[] = {
    {"--host", "HOST[:PORT]", "the broker (127.0.0.1)", set_host},
    {"--port", "PORT", "its port, if not in --host (1883; TLS 8883, WebSocket 80, both 443)",
     [](BenchOptions& o, std::string_view v) { return take_number<std::uint16_t>(o.broker.port, v, 1, 65'535); }},
    {"--protocol", "VERSION", "3.1.1 or 5 (5)", set_version},
    {"--username", "NAME", "user name of every connection",
     [](BenchOptions& o, std::string_view v) -> Result<void> { return o.username = v, Result<void>(); }},
    {"--password", "TEXT", "password of every connection",
     [](BenchOptions& o, std::string_view v) -> Result<void> { return o.password = v, Result<void>(); }},
    {"--keep-alive", "SECONDS", "keep alive; pings are sent (60; 0: none)",
     [](BenchOptions& o, std::string_view v) { return take_number<std::uint16_t>(o.keep_alive_s, v, 0, 65'535); }},
    {"--connects-in-flight", "N", "handshakes under way at once (200)",
     [](BenchOptions& o, std::string_view v) { return take_number(o.connects_in_flight, v, 1u, 100'000u); }},
};

constexpr Option kTransportOptions[] = {
    {"--tls", "", "TLS; a full handshake for each connection",
     [](BenchOptions& o, std::string_view) -> Result<void> { return o.tls.on = true, Result<void>(); }},
    {"--cafile", "FILE", "certificates to trust, PEM; implies --tls (the system's)",
     [](BenchOptions& o, std::string_view v) { return set_tls_file(o, o.tls.ca_file, v); }},
    {"--cert", "FILE", "the clients' certificate, PEM; implies --tls",
     [](BenchOptions& o, std::string_view v) { return set_tls_file(o, o.tls.cert_file, v); }},
    {"--key", "FILE", "its key, PEM",
     [](BenchOptions& o, std::string_view v) { return set_tls_file(o, o.tls.key_file, v); }},
    {"--insecure", "", "the broker's name may differ; without --cafile any certificate will do; implies --tls",
     [](BenchOptions& o, std::string_view) -> Result<void> {
       return o.tls.on = o.tls.insecure = true, Result<void>();
     }},
    {"--tls-version", "VERSION", "only tlsv1.2 or tlsv1.3; implies --tls (the newest both know)",
     [](BenchOptions& o, std::string_view v) -> Result<void> {
       if (v != "tlsv1.2" && v != "tlsv1.3") return fail(fmt::format("needs tlsv1.2 or tlsv1.3, not \"{}\"", v));
       return set_tls_file(o, o.tls.version, v);
     }},
    {"--ws", "", "MQTT over WebSocket; with --tls: wss",
     [](BenchOptions& o, std::string_view) -> Result<void> { return o.websocket = true, Result<void>(); }},
    {"--ws-path", "PATH", "of the request; implies --ws (/mqtt)",
     [](BenchOptions& o, std::string_view v) -> Result<void> {
       if (!v.starts_with('/') || v.find_first_of(" \r\n") != v.npos) return fail("needs a path that begins with /");
       o.websocket = true;
       return o.websocket_path = v, Result<void>();
     }},
};

constexpr Option kLoadOptions[] = {
    {"--publishers", "N", "publishing connections",
     [](BenchOptions& o, std::string_view v) { return take_number(o.publishers, v, 1u, kMostClients); }},
    {"--subscribers", "N", "subscribing connections",
     [](BenchOptions& o, std::string_view v) { return take_number(o.subscribers, v, 1u, kMostClients); }},
    {"--pairs", "N", "as many publishers and as many subscribers",
     [](BenchOptions& o, std::string_view v) {
       return take_number(o.publishers, v, 1u, kMostClients).map([&] { o.subscribers = o.publishers; });
     }},
    {"--connections", "N", "connect and idle: how many; churn: at once",
     [](BenchOptions& o, std::string_view v) { return take_number(o.connections, v, 1u, kMostClients); }},
    {"--subscriptions", "N", "subscribe: distinct filters over all subscribers",
     [](BenchOptions& o, std::string_view v) { return take_number(o.subscriptions, v, 1u, 9'999'999u); }},
    {"--filters-per-packet", "N", "subscribe: filters in one SUBSCRIBE (100)",
     [](BenchOptions& o, std::string_view v) { return take_number(o.filters_per_packet, v, 1u, 1000u); }},
    {"--qos", "QOS", "of publishes and of subscriptions: 0, 1 or 2 (0)",
     [](BenchOptions& o, std::string_view v) { return set_qos(o.qos, v).map([&] { o.subscribe_qos = o.qos; }); }},
    {"--subscribe-qos", "QOS", "of subscriptions, if different; after --qos",
     [](BenchOptions& o, std::string_view v) { return set_qos(o.subscribe_qos, v); }},
    {"--payload", "BYTES", "payload size, at least 16 (64)",
     [](BenchOptions& o, std::string_view v) {
       return take_number<std::size_t>(o.payload_bytes, v, kStampBytes, 200'000'000);
     }},
    {"--rate", "PER_SECOND", "messages of all publishers (connect, churn: connections), paced; 0: flat out (0)",
     [](BenchOptions& o, std::string_view v) { return take_number(o.rate_per_s, v, 0.0, 100e6); }},
    {"--window", "N", "unacknowledged messages per publisher, QoS 1 and 2 (20)",
     [](BenchOptions& o, std::string_view v) { return take_number(o.window, v, 1u, 30'000u); }},
    {"--backlog", "N", "flat out: undelivered messages per publisher (2 to 100, as sizes allow)",
     [](BenchOptions& o, std::string_view v) { return take_number(o.backlog, v, 1u, 1'000'000'000u); }},
    {"--messages", "N",
     "offline: ends when so many are acknowledged, in place of --duration; retained: topics (100,000)",
     [](BenchOptions& o, std::string_view v) {
       return take_number<std::uint64_t>(o.messages, v, 1, 1'000'000'000'000);
     }},
    {"--topics", "WHICH", "offline: each message for all subscribers, or for its own one in turn: all, own (all)",
     [](BenchOptions& o, std::string_view v) -> Result<void> {
       if (v != "all" && v != "own") return fail(fmt::format("needs all or own, not \"{}\"", v));
       return o.own_topics = v == "own", Result<void>();
     }},
    {"--no-drain", "", "offline, retained: nobody fetches what is stored",
     [](BenchOptions& o, std::string_view) -> Result<void> { return o.collect = false, Result<void>(); }},
    {"--topic-prefix", "TOPIC", "first levels of all topics (a new one each run)",
     [](BenchOptions& o, std::string_view v) -> Result<void> {
       if (v.empty() || v.size() > 1000 || v.find_first_of("+#$") != v.npos) {
         return fail("needs 1 to 1000 characters without +, # and $");
       }
       return o.topic_prefix = v, Result<void>();
     }},
};

constexpr Option kRunOptions[] = {
    {"--warmup", "SECONDS", "load before the measurement (1)",
     [](BenchOptions& o, std::string_view v) { return take_number(o.warmup_s, v, 0.0, kMostSeconds); }},
    {"--duration", "SECONDS", "of the measurement; connect and idle: of holding (10)",
     [](BenchOptions& o, std::string_view v) { return take_number(o.duration_s, v, 0.1, kMostSeconds); }},
    {"--drain", "SECONDS", "wait for late messages since the last one (5)",
     [](BenchOptions& o, std::string_view v) { return take_number(o.drain_s, v, 0.0, kMostSeconds); }},
    {"--threads", "N", "of the generator (1)",
     [](BenchOptions& o, std::string_view v) { return take_number(o.threads, v, 1u, 256u); }},
    {"--pid", "PID", "the broker's process: reports its CPU time and memory (same machine)",
     [](BenchOptions& o, std::string_view v) { return take_number<std::int32_t>(o.pid, v, 1, 0x7FFFFFFF); }},
    {"--json", "", "result as one JSON object on standard output",
     [](BenchOptions& o, std::string_view) -> Result<void> { return o.json = true, Result<void>(); }},
    {"--progress", "", "a line a second on standard error, terminal or not",
     [](BenchOptions& o, std::string_view) -> Result<void> { return o.progress = true, Result<void>(); }},
    {"--quiet", "", "no progress",
     [](BenchOptions& o, std::string_view) -> Result<void> { return o.quiet = true, Result<void>(); }},
    {"--allow-loss", "", "missing messages do not fail the run at QoS 0",
     [](BenchOptions& o, std::string_view) -> Result<void> { return o.allow_loss = true, Result<void>(); }},
};

constexpr Group kGroupRows[] = {{"Connections", kConnectionOptions},
                                {"Transport", kTransportOptions},
                                {"Load", kLoadOptions},
                                {"Run and report", kRunOptions}};
constexpr std::span<const Group> kGroups = kGroupRows;

Result<void> check_together(const BenchOptions& options) {
  if (options.scenario == Scenario::p2p && options.publishers != options.subscribers) {
    return fail(fmt::format("p2p needs as many publishers as subscribers, not {} and {}; use --pairs",
                            options.publishers, options.subscribers));
  }
  if (options.scenario == Scenario::subscribe && options.subscriptions < options.subscribers) {
    return fail("--subscriptions: needs at least one for each subscriber");
  }
  if (options.scenario == Scenario::subscribe && options.publishers > options.subscriptions) {
    return fail("--subscriptions: needs at least one for each publisher");
  }
  if (options.scenario == Scenario::retained) {
    if (options.qos == 0) return fail("--qos: retained needs 1 or 2 for the publishes");
    if (options.messages >= kMostPaddedTopics || options.messages < options.publishers) {
      return fail(fmt::format("--messages: needs {} to {}", options.publishers, kMostPaddedTopics - 1));
    }
    if (options.own_topics) return fail("--topics belongs to offline");
  } else if (options.scenario == Scenario::offline) {
    if (options.qos == 0 || options.subscribe_qos == 0) return fail("--qos: offline needs 1 or 2");
    if (options.own_topics && options.subscribers > kMostPaddedTopics) {
      return fail(fmt::format("--subscribers: at most {} with --topics own", kMostPaddedTopics));
    }
  } else if (options.messages > 0 || options.own_topics || !options.collect) {
    return fail("--messages, --topics and --no-drain belong to offline, the first and last to retained too");
  }
  if (options.shared && options.version != wire::ProtocolVersion::v5_0) {
    return fail("--protocol: shared subscriptions exist in 5 only");
  }
  if (options.tls.cert_file.empty() != options.tls.key_file.empty()) return fail("--cert and --key go together");
  if (options.threads > total_connections(options)) return fail("--threads: more threads than connections");
  return {};
}

}  // namespace

Result<ParsedArguments> parse_arguments(std::span<const std::string_view> arguments) {
  const auto collected = collect_arguments(kGroups, arguments);
  if (!collected) return tl::unexpected(collected.error());
  ParsedArguments parsed;
  parsed.help = collected->help;
  parsed.list = collected->words == std::vector<std::string_view>{"list"};
  if (parsed.help || parsed.list) return parsed;
  const std::vector<std::string_view>& words = collected->words;
  if (words.size() > 1) return fail(fmt::format("one scenario only: \"{}\" came after \"{}\"", words[1], words[0]));
  const std::string_view name = words.empty() ? "p2p" : words[0];
  const NamedScenario* scenario = find_scenario(name);
  if (!scenario) {
    return fail(fmt::format("no scenario \"{}\"; there are: {}", name, fmt::join(scenario_names(), " ")));
  }
  scenario->apply(parsed.options);
  parsed.options.name = name;
  parsed.options.broker.port = 0;
  if (auto applied = collected->apply(parsed.options); !applied) return tl::unexpected(applied.error());
  if (parsed.options.broker.port == 0) parsed.options.broker.port = default_port(parsed.options);
  if (auto together = check_together(parsed.options); !together) return tl::unexpected(together.error());
  return parsed;
}

std::string scenario_list() {
  std::string text;
  for (const NamedScenario& scenario : scenarios()) {
    text += fmt::format("  {:<26} {}\n", scenario.name, scenario.help);
  }
  return text;
}

std::string help_text(std::string_view program) {
  std::string text = fmt::format(
      "Measures an MQTT broker and accounts for every message: missing, doubled, out of order.\n\n"
      "Usage: {0} [SCENARIO] [OPTIONS]\n       {0} list\n\nScenarios (options override what they set)\n",
      program);
  text += scenario_list();
  text += argument_help(kGroups);
  text += fmt::format(
      "  {0:<26} this page\n\n"
      "Paced (--rate), latency counts from the moment at which a message was due, so that a broker that falls\n"
      "behind cannot hide it. Flat out it counts from the moment of sending. It ends with the delivery; offline, with\n"
      "the acknowledgement.\n\n"
      "Exit status: 0 all messages accounted for; 1 missing, doubled or out of order, or the run failed; 2 usage.\n\n"
      "Examples\n"
      "  {1} p2p --qos 1 --rate 10000 --pid $(pidof mosquitto)\n"
      "  {1} fan-out --host broker.example:1883 --subscribers 1000 --json\n"
      "  {1} offline --messages 1000000 --subscribers 10 --pid $(pidof martlet)\n",
      "--help", program);
  return text;
}

}  // namespace martlet::tools::bench
