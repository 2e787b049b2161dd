#include "broker/sys_topics.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <utility>

namespace martlet::broker {
namespace {

struct Figure {
  const char* name;
  std::uint64_t (*value)(const SysFigures& figures);
};

std::uint64_t disconnected(const SysFigures& f) {
  return f.sessions > f.counters.clients_connected ? f.sessions - f.counters.clients_connected : 0;
}

constexpr Figure kFigures[] = {
    {"clients/total", [](const SysFigures& f) { return f.sessions; }},
    {"clients/connected", [](const SysFigures& f) { return f.counters.clients_connected; }},
    {"clients/active", [](const SysFigures& f) { return f.counters.clients_connected; }},
    {"clients/disconnected", disconnected},
    {"clients/inactive", disconnected},
    {"clients/maximum", [](const SysFigures& f) { return f.counters.clients_maximum; }},
    {"clients/expired", [](const SysFigures& f) { return f.counters.sessions_expired; }},
    {"subscriptions/count", [](const SysFigures& f) { return f.subscriptions; }},
    {"shared_subscriptions/count", [](const SysFigures& f) { return f.shared_subscriptions; }},
    {"retained messages/count", [](const SysFigures& f) { return f.retained_messages; }},
    {"messages/received", [](const SysFigures& f) { return f.counters.packets_received; }},
    {"messages/sent", [](const SysFigures& f) { return f.counters.packets_sent; }},
    {"publish/messages/received", [](const SysFigures& f) { return f.counters.publish_received; }},
    {"publish/messages/sent", [](const SysFigures& f) { return f.counters.publish_sent; }},
    {"publish/messages/dropped", [](const SysFigures& f) { return f.counters.publish_dropped; }},
    {"publish/bytes/received", [](const SysFigures& f) { return f.counters.publish_bytes_received; }},
    {"publish/bytes/sent", [](const SysFigures& f) { return f.counters.publish_bytes_sent; }},
    {"bytes/received", [](const SysFigures& f) { return f.counters.bytes_received; }},
    {"bytes/sent", [](const SysFigures& f) { return f.bytes_sent; }},
};

// Of figures with queues only. A message that waits for several sessions counts once for each.
std::uint64_t stored(const SysFigures& f) {
  return f.retained_messages + f.queues->waiting_messages;
}
constexpr Figure kQueueFigures[] = {
    {"messages/inflight", [](const SysFigures& f) { return f.queues->in_flight; }},
    {"messages/stored", stored},
    {"store/messages/count", stored},
    {"store/messages/bytes", [](const SysFigures& f) { return f.retained_bytes + f.queues->waiting_bytes; }},
};

constexpr Figure kLoadFigures[] = {
    {"messages/received", [](const SysFigures& f) { return f.counters.packets_received; }},
    {"messages/sent", [](const SysFigures& f) { return f.counters.packets_sent; }},
    {"publish/received", [](const SysFigures& f) { return f.counters.publish_received; }},
    {"publish/sent", [](const SysFigures& f) { return f.counters.publish_sent; }},
    {"publish/dropped", [](const SysFigures& f) { return f.counters.publish_dropped; }},
    {"bytes/received", [](const SysFigures& f) { return f.counters.bytes_received; }},
    {"bytes/sent", [](const SysFigures& f) { return f.bytes_sent; }},
    {"sockets", [](const SysFigures& f) { return f.counters.connections_accepted; }},
    {"connections", [](const SysFigures& f) { return f.counters.connects_received; }},
};

struct Period {
  const char* name;
  double seconds;
};
constexpr Period kLoadPeriods[] = {{"1min", 60}, {"5min", 300}, {"15min", 900}};

}  // namespace

void for_each_figure(const LogFigures& figures,
                     const std::function<void(std::string_view name, std::uint64_t value)>& visit) {
  visit("store/unsafe_messages", figures.unsafe_messages);
  visit("store/pending_bytes", figures.pending_bytes);
  visit("store/syncs", figures.syncs);
  visit("store/commit_p50_us", figures.commit_p50_us);
  visit("store/commit_p99_us", figures.commit_p99_us);
  visit("store/group_p50", figures.group_p50);
}

void SysTopics::update(const SysFigures& figures, const Now& now, const Publish& publish) {
  static_assert(std::size(kLoadFigures) == kLoads && std::size(kLoadPeriods) == kPeriods);
  next_value_ = 0;
  publish_changed("version", fmt::format("martlet version {}", options_.version), publish);
  publish_changed("uptime", fmt::format("{} seconds", (now.mono_ms - started_.mono_ms) / 1000), publish);
  for (const Figure& figure : kFigures) {
    publish_changed(figure.name, fmt::format("{}", figure.value(figures)), publish);
  }
  update_loads(figures, now);
  for (std::size_t i = 0; i < kLoads; ++i) {
    for (std::size_t period = 0; period < kPeriods; ++period) {
      publish_changed(fmt::format("load/{}/{}", kLoadFigures[i].name, kLoadPeriods[period].name),
                      fmt::format("{:.2f}", loads_[i].average[period]), publish);
    }
  }
  if (figures.log) {
    publish_changed("store/state", figures.log->failing ? "failing" : "ok", publish);
    for_each_figure(*figures.log, [&](std::string_view name, std::uint64_t value) {
      publish_changed(name, fmt::format("{}", value), publish);
    });
  }
  // Last, so that leaving them out moves nobody's place among the values.
  if (!figures.queues) return;
  for (const Figure& figure : kQueueFigures) {
    publish_changed(figure.name, fmt::format("{}", figure.value(figures)), publish);
  }
}

// Mosquitto's formula: what came since the last update, as a rate per minute, pulls the average by the share of the
// period that has passed.
void SysTopics::update_loads(const SysFigures& figures, const Now& now) {
  const double passed_s = static_cast<double>(now.mono_ms - updated_ms_) / 1000;
  if (passed_s <= 0) return;
  updated_ms_ = now.mono_ms;
  for (std::size_t i = 0; i < kLoads; ++i) {
    Load& load = loads_[i];
    const std::uint64_t counted = kLoadFigures[i].value(figures);
    const double rate = static_cast<double>(counted - load.counted) * 60 / passed_s;
    load.counted = counted;
    for (std::size_t period = 0; period < kPeriods; ++period) {
      const double keep = std::exp(-passed_s / kLoadPeriods[period].seconds);
      load.average[period] = rate + keep * (load.average[period] - rate);
    }
  }
}

void SysTopics::publish_changed(std::string_view name, std::string value, const Publish& publish) {
  if (values_.size() == next_value_) values_.emplace_back();
  std::string& last = values_[next_value_++];
  if (last == value) return;
  last = std::move(value);
  publish(fmt::format("$SYS/broker/{}", name), last);
}

}  // namespace martlet::broker
