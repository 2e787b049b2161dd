#include "tools/bench/report.h"

#include <fmt/format.h>

#include <string_view>

#include "tools/json_writer.h"

namespace martlet::tools::bench {
namespace {

double us(std::uint64_t ns) {
  return static_cast<double>(ns) / 1e3;
}

double per(double amount, double divisor) {
  return divisor > 0 ? amount / divisor : 0;
}

double count_per_s(std::uint64_t count, double seconds) {
  return per(static_cast<double>(count), seconds);
}

// Growth of resident memory for each of `count`; 0 if it shrank.
double bytes_each(std::uint64_t before, std::uint64_t after, std::uint64_t count) {
  return after > before ? per(static_cast<double>(after - before), static_cast<double>(count)) : 0;
}

double cpu_s(const BrokerUse& use) {
  return use.measure_end.cpu_s - use.measure_begin.cpu_s;
}

double mib(std::uint64_t bytes) {
  return static_cast<double>(bytes) / 1048576;
}

double drain_cpu_us(const RunResult& result) {
  return per(1e6 * (result.offline.drain_end.cpu_s - result.offline.drain_begin.cpu_s),
             static_cast<double>(result.received));
}

std::string json_text(std::string_view text) {
  std::string out;
  append_json_text(out, text);
  return out;
}

std::string quantiles_line(std::string_view title, const Histogram& histogram) {
  if (histogram.count() == 0) return {};
  return fmt::format("{:<13} p50 {:.1f}  p90 {:.1f}  p99 {:.1f}  p99.9 {:.1f}  max {:.1f} us\n", title,
                     us(histogram.quantile(0.5)), us(histogram.quantile(0.9)), us(histogram.quantile(0.99)),
                     us(histogram.quantile(0.999)), us(histogram.max()));
}

std::string quantiles_json(const Histogram& histogram) {
  return fmt::format(
      R"({{"count":{},"mean":{:.2f},"p50":{:.2f},"p90":{:.2f},"p99":{:.2f},"p999":{:.2f},"max":{:.2f}}})",
      histogram.count(), per(us(histogram.sum()), static_cast<double>(histogram.count())), us(histogram.quantile(0.5)),
      us(histogram.quantile(0.9)), us(histogram.quantile(0.99)), us(histogram.quantile(0.999)), us(histogram.max()));
}

std::string_view transport_name(const BenchOptions& options) {
  if (options.websocket) return options.tls.on ? "wss" : "ws";
  return options.tls.on ? "tls" : "tcp";
}

std::string load_text(const BenchOptions& options) {
  if (options.scenario == Scenario::connect) return fmt::format("{} connections", options.connections);
  if (options.scenario == Scenario::churn) {
    const std::string pace = options.rate_per_s > 0 ? fmt::format("{:.0f}/s", options.rate_per_s) : "flat out";
    return fmt::format("{} connections at once, {}", options.connections, pace);
  }
  const std::string pace =
      options.rate_per_s > 0 ? fmt::format("{:.0f} messages/s", options.rate_per_s) : std::string("flat out");
  return fmt::format("{} publishers, {} subscribers, QoS {}, {} bytes, {}", options.publishers, options.subscribers,
                     options.qos, options.payload_bytes, pace);
}

double cpu_us_per_connect(const RunResult& result) {
  const BrokerUse& use = *result.broker;
  return per(1e6 * (use.connected.cpu_s - use.before.cpu_s), static_cast<double>(result.connections));
}

double cpu_us_per_round(const RunResult& result) {
  return per(1e6 * cpu_s(*result.broker), static_cast<double>(result.round_ns.count()));
}

std::string broker_lines(const RunResult& result, const BenchOptions& options) {
  if (!result.broker) return {};
  const BrokerUse& use = *result.broker;
  std::string text = fmt::format("{:<13} CPU {:.2f} % of a core", "broker", 100 * per(cpu_s(use), use.measured_s));
  if (options.scenario == Scenario::churn) {
    text += fmt::format(", {:.2f} us a connection", cpu_us_per_round(result));
  }
  if (!is_silent(options)) {
    text += fmt::format(", {:.3f} us a delivery", per(1e6 * cpu_s(use), static_cast<double>(use.received_between)));
  }
  text += fmt::format(", RSS {:.1f} MiB (peak {:.1f})\n", static_cast<double>(use.measure_end.rss_bytes) / 1048576,
                      static_cast<double>(use.measure_end.peak_rss_bytes) / 1048576);
  if (options.scenario == Scenario::churn) return text;
  text += fmt::format("{:<13} {:.1f} us CPU and {:.0f} bytes RSS a connection", "", cpu_us_per_connect(result),
                      bytes_each(use.before.rss_bytes, use.connected.rss_bytes, result.connections));
  if (options.scenario == Scenario::subscribe) {
    text += fmt::format(", {:.0f} a subscription",
                        bytes_each(use.connected.rss_bytes, use.subscribed.rss_bytes, result.subscriptions));
  }
  return text + "\n";
}

std::string broker_json(const RunResult& result) {
  if (!result.broker) return {};
  const BrokerUse& use = *result.broker;
  return fmt::format(
      R"(,"broker":{{"cpu_percent":{:.2f},"cpu_us_per_delivery":{:.4f},"cpu_us_per_sent":{:.4f},)"
      R"("cpu_us_per_connect":{:.3f},"rss_bytes":{},"peak_rss_bytes":{},"rss_bytes_per_connection":{:.1f},"rss_bytes_per_subscription":{:.1f}}})",
      100 * per(cpu_s(use), use.measured_s), per(1e6 * cpu_s(use), static_cast<double>(use.received_between)),
      per(1e6 * cpu_s(use), static_cast<double>(use.sent_between)), cpu_us_per_connect(result),
      use.measure_end.rss_bytes, use.measure_end.peak_rss_bytes,
      bytes_each(use.before.rss_bytes, use.connected.rss_bytes, result.connections),
      bytes_each(use.connected.rss_bytes, use.subscribed.rss_bytes, result.subscriptions));
}

// Memory that what is stored takes: for each retained message, or for each delivery owed.
double stored_bytes_each(const RunResult& result, const BenchOptions& options) {
  const OfflineResult& offline = result.offline;
  return bytes_each(offline.before.rss_bytes, offline.full.rss_bytes,
                    options.scenario == Scenario::retained ? offline.acknowledged : offline.owed);
}

std::string offline_lines(const RunResult& result, const BenchOptions& options) {
  const OfflineResult& offline = result.offline;
  const bool retained = options.scenario == Scenario::retained;
  std::string text =
      fmt::format("{:<13} {:.0f} acknowledged/s ({} in all), {} deliveries owed\n", "throughput",
                  count_per_s(offline.acknowledged_in_window, result.measured_s), offline.acknowledged, offline.owed);
  text += quantiles_line("acknowledged", result.latency_ns);
  if (options.collect) {
    text += fmt::format("{:<13} {} in {:.2f} s, {:.0f}/s\n", "drain", result.received, offline.drain_s,
                        count_per_s(result.received, offline.drain_s));
  }
  if (!result.broker) return text;
  const double measured = static_cast<double>(offline.acknowledged_between);
  text += fmt::format(
      "{:<13} CPU {:.3f} us a message, {:.4f} us a delivery owed", "broker", per(1e6 * cpu_s(*result.broker), measured),
      per(1e6 * cpu_s(*result.broker), measured * static_cast<double>(deliveries_per_message(options))));
  if (options.collect) text += fmt::format(", {:.3f} us a delivery drained", drain_cpu_us(result));
  text += fmt::format("\n{:<13} RSS {:.1f} MiB before, {:.1f} with all {}: {:.1f} bytes each; {:.1f} after the drain\n",
                      "", mib(offline.before.rss_bytes), mib(offline.full.rss_bytes), retained ? "retained" : "owed",
                      stored_bytes_each(result, options),
                      mib(options.collect ? offline.drain_end.rss_bytes : offline.full.rss_bytes));
  return text;
}

std::string_view stored_key(const BenchOptions& options) {
  return options.scenario == Scenario::retained ? "retained" : "offline";
}

std::string offline_json(const RunResult& result, const BenchOptions& options) {
  if (!is_stored_first(options)) return {};
  const OfflineResult& offline = result.offline;
  std::string text = fmt::format(
      R"("{}":{{"acknowledged":{},"acknowledged_per_s":{:.1f},"measured_s":{:.4f},"owed":{},"drain_s":{:.4f},)"
      R"("drained_per_s":{:.1f},"cleaned":{},"latency_histogram_us":[)",
      stored_key(options), offline.acknowledged, count_per_s(offline.acknowledged_in_window, result.measured_s),
      result.measured_s, offline.owed, offline.drain_s, count_per_s(result.received, offline.drain_s), offline.cleaned);
  // Up to each power of two, how many.
  for (std::uint64_t bound_ns = 1024, seen = 0; seen < result.latency_ns.count(); bound_ns *= 2) {
    const bool last = bound_ns >= Histogram::kValueLimit;
    const std::uint64_t up_to = last ? result.latency_ns.count() : result.latency_ns.count_up_to(bound_ns - 1);
    if (up_to > seen) text += fmt::format("{}[{:.3f},{}]", text.back() == '[' ? "" : ",", us(bound_ns), up_to - seen);
    seen = up_to;
  }
  text += "]";
  if (result.broker) {
    const double measured = static_cast<double>(offline.acknowledged_between);
    text +=
        fmt::format(R"(,"cpu_us_per_message":{:.4f},"cpu_us_per_owed":{:.5f},"cpu_us_per_drained":{:.4f},)"
                    R"("rss_bytes_before":{},"rss_bytes_full":{},"rss_bytes_per_{}":{:.2f},"rss_bytes_drained":{})",
                    per(1e6 * cpu_s(*result.broker), measured),
                    per(1e6 * cpu_s(*result.broker), measured * static_cast<double>(deliveries_per_message(options))),
                    drain_cpu_us(result), offline.before.rss_bytes, offline.full.rss_bytes,
                    options.scenario == Scenario::retained ? "retained" : "owed", stored_bytes_each(result, options),
                    offline.drain_end.rss_bytes);
  }
  return text + "},";
}

std::string verdict_lines(const RunResult& result, const BenchOptions& options) {
  const Faults& faults = result.faults;
  std::string text;
  if (!is_silent(options)) {
    text +=
        fmt::format("{:<13} {} sent, {} received; missing {}, doubled {}, out of order {}, foreign {}, refused {}\n",
                    "accounts", result.sent, result.received, faults.missing, faults.duplicated, faults.reordered,
                    faults.foreign, result.refused);
  }
  if (!result.first_fault.empty()) text += fmt::format("{:<13} {}\n", "foreign", result.first_fault);
  if (result.stalls > 0) {
    text += fmt::format("{:<13} {} times a second without traffic: the load went on\n", "stalls", result.stalls);
  }
  if (!result.drained) text += fmt::format("{:<13} the broker did not take all that was due\n", "behind");
  if (result.connections_lost > 0) {
    text += fmt::format("{:<13} {} connections; the first: {}\n", "lost", result.connections_lost, result.error);
  }
  return text + fmt::format("{:<13} {}\n", "verdict", verdict_word(result, options));
}

}  // namespace

std::string_view verdict_word(const RunResult& result, const BenchOptions& options) {
  return is_clean(result, options) ? "clean" : "FAULTY";
}

std::string to_table(const RunResult& result, const BenchOptions& options) {
  std::string text = fmt::format("{:<13} {}: {}, MQTT {} over {}, {} thread(s), {:.1f} s\n", "scenario", options.name,
                                 load_text(options), wire::version_name(options.version), transport_name(options),
                                 options.threads, options.duration_s);
  if (options.scenario == Scenario::churn) {
    text += fmt::format("{:<13} {} came and went, {:.0f}/s\n", "connections", result.round_ns.count(),
                        count_per_s(result.round_ns.count(), result.measured_s));
  } else {
    text += fmt::format("{:<13} {} in {:.2f} s, {:.0f}/s\n", "connections", result.connections, result.connect_s,
                        count_per_s(result.connections, result.connect_s));
  }
  text += quantiles_line("handshake", result.handshake_ns);
  text += quantiles_line("subscribed", result.round_ns);
  if (options.scenario == Scenario::subscribe) {
    text += fmt::format("{:<13} {} in {:.2f} s, {:.0f}/s\n", "subscriptions", result.subscriptions, result.subscribe_s,
                        count_per_s(result.subscriptions, result.subscribe_s));
  }
  if (is_stored_first(options)) {
    return text + offline_lines(result, options) + verdict_lines(result, options);
  }
  if (!is_silent(options)) {
    const double received_per_s = count_per_s(result.received_in_window, result.measured_s);
    text += fmt::format("{:<13} {:.0f} sent/s, {:.0f} received/s, {:.1f} MB/s of payload\n", "throughput",
                        count_per_s(result.sent_in_window, result.measured_s), received_per_s,
                        received_per_s * static_cast<double>(options.payload_bytes) / 1e6);
    text += quantiles_line("latency", result.latency_ns);
    text += quantiles_line("acknowledged", result.ack_ns);
    text += quantiles_line("sent late", result.late_ns);
  }
  return text + broker_lines(result, options) + verdict_lines(result, options);
}

std::string to_json(const RunResult& result, const BenchOptions& options) {
  const Faults& faults = result.faults;
  std::string text = fmt::format(
      R"({{"scenario":{},"mqtt":"{}","transport":"{}","publishers":{},"subscribers":{},"qos":{},"subscribe_qos":{},)"
      R"("payload_bytes":{},"rate_per_s":{},"threads":{},"duration_s":{},)",
      json_text(options.name), wire::version_name(options.version), transport_name(options), options.publishers,
      options.subscribers, options.qos, options.subscribe_qos, options.payload_bytes, options.rate_per_s,
      options.threads, options.duration_s);
  text += fmt::format(
      R"("connections":{},"connect_s":{:.4f},"connects_per_s":{:.1f},"subscriptions":{},"subscribe_s":{:.4f},)"
      R"("subscribes_per_s":{:.1f},"handshake_us":{},)",
      result.connections, result.connect_s, count_per_s(result.connections, result.connect_s), result.subscriptions,
      result.subscribe_s, count_per_s(result.subscriptions, result.subscribe_s), quantiles_json(result.handshake_ns));
  text +=
      fmt::format(R"("sent":{},"received":{},"sent_per_s":{:.1f},"received_per_s":{:.1f},"latency_us":{},"ack_us":{},)"
                  R"("sent_late_us":{},)",
                  result.sent, result.received, count_per_s(result.sent_in_window, result.measured_s),
                  count_per_s(result.received_in_window, result.measured_s), quantiles_json(result.latency_ns),
                  quantiles_json(result.ack_ns), quantiles_json(result.late_ns));
  text += offline_json(result, options);
  if (options.scenario == Scenario::churn) {
    text += fmt::format(R"("churn":{{"rounds":{},"rounds_per_s":{:.1f},"round_us":{},"cpu_us_per_round":{:.3f}}},)",
                        result.round_ns.count(), count_per_s(result.round_ns.count(), result.measured_s),
                        quantiles_json(result.round_ns), result.broker ? cpu_us_per_round(result) : 0.0);
  }
  text += fmt::format(
      R"("missing":{},"duplicated":{},"reordered":{},"foreign":{},"refused":{},"connections_lost":{},"stalls":{},)"
      R"("drained":{},"error":{},"first_foreign":{},"clean":{}{}}})",
      faults.missing, faults.duplicated, faults.reordered, faults.foreign, result.refused, result.connections_lost,
      result.stalls, result.drained, json_text(result.error), json_text(result.first_fault), is_clean(result, options),
      broker_json(result));
  return text + "\n";
}

}  // namespace martlet::tools::bench
