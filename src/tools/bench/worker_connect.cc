// From nothing to a subscribed connection.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <system_error>

#include "base/hash.h"
#include "env/posix/measure.h"
#include "tools/bench/topic_name.h"
#include "tools/bench/worker.h"
#include "wire/decode.h"

namespace martlet::tools::bench {
namespace {

// SUBSCRIBE packets of one connection that may be without their SUBACK.
constexpr std::uint32_t kSubscribesInFlight = 8;

// At most 23 letters and digits: every 3.1.1 broker takes those [MQTT-3.1.3-5].
std::string client_id(std::string_view prefix, Role role, std::uint32_t number) {
  const char letter = role == Role::publisher ? 'p' : role == Role::subscriber ? 's' : 'c';
  return fmt::format("b{:08x}{}{}", static_cast<std::uint32_t>(hash_bytes(prefix)), letter, number);
}

}  // namespace

void Worker::start_connects(std::uint64_t now_ns) {
  const bool by_rate = paced() && options_.scenario == Scenario::connect;
  if (by_rate && next_due_ns_ == 0) {
    pacing_ = Pacing(options_.rate_per_s, options_.threads, shared_.connect_from_ns);
    next_due_ns_ = pacing_.due_ns(index_, 0);
  }
  const std::uint32_t most = std::max(options_.connects_in_flight / options_.threads, 1u);
  while (connects_started_ < to_connect_.size() && connects_open_ < most) {
    if (by_rate && next_due_ns_ > now_ns) return;
    start_connect(to_connect_[connects_started_++], by_rate ? next_due_ns_ : env::posix::monotonic_ns());
    if (by_rate) next_due_ns_ = pacing_.due_ns(index_, connects_started_);
    if (progress.failed) return;
  }
}

void Worker::start_connect(std::uint32_t index, std::uint64_t due_ns) {
  Connection& connection = connections_[index];
  connection.connect_started_ns = due_ns;
  connection.stage = Stage::waiting;
  connection.write_blocked = false;
  connection.out.clear();
  connection.out_sent = 0;
  connection.filler_left = 0;
  connection.held.clear();
  connection.skip_bytes = 0;
  connection.wrapped.reset();
  const auto handle = network_.connect(broker_);
  if (!handle) return fail_connection(connection, handle.error().message);
  connection.handle = *handle;
  connection.stage = Stage::connecting;
  ++connects_open_;
  if (auto watched = network_.watch(*handle, {.read = false, .write = true}, index); !watched) {
    fail_connection(connection, watched.error().message);
  }
}

void Worker::tcp_decided(Connection& connection, std::uint32_t index) {
  if (const int code = network_.connect_error(connection.handle); code != 0) {
    return fail_connection(connection, fmt::format("cannot connect to {}: {}", env::to_text(options_.broker),
                                                   std::generic_category().message(code)));
  }
  connection.stage = Stage::greeting;
  set_interest(connection, index, false);
  if (auto filter = transports_.make_filter(hash_bytes(options_.topic_prefix) + index)) {
    connection.wrapped = std::make_unique<Wrapped>();
    connection.wrapped->filter = std::move(filter);
    connection.wrapped->filter->start(connection.wrapped->out);
  }
  const std::string id = client_id(options_.topic_prefix, connection.role, connection.role_index);
  wire::Connect connect;
  connect.version = options_.version;
  connect.keep_alive_s = options_.keep_alive_s;
  connect.client_id = id;
  if (!options_.username.empty()) connect.username = options_.username;
  if (!options_.password.empty()) connect.password = as_bytes(options_.password);
  wire::PropertyWriter properties;
  if (offline() && connection.role == Role::subscriber) ask_for_session(connect, properties);
  append(connection, index, connect);
}

void Worker::greeted(Connection& connection, std::uint32_t index, ByteView body) {
  const auto decoded = wire::decode(0x20, body, options_.version, wire::Sender::server);
  const auto* connack = decoded ? std::get_if<wire::Connack>(&*decoded) : nullptr;
  if (!connack) return fail_connection(connection, "the broker answered CONNECT with a broken CONNACK");
  if (wire::is_failure(connack->reason)) {
    return fail_connection(connection,
                           fmt::format("the broker refused a connection: {}", wire::reason_text(connack->reason)));
  }
  if (offline() && connection.role == Role::subscriber && !is_session_expected(*connack)) {
    return fail_connection(connection, "the broker's sessions are not as they should be");
  }
  connection.receive_maximum = static_cast<std::uint16_t>(
      connack->properties.number_or(wire::PropertyId::receive_maximum, std::numeric_limits<std::uint16_t>::max()));
  connection.stage = Stage::connected;
  --connects_open_;
  ++connects_done_;
  const bool counts =
      churning() ? is_measured(connection.connect_started_ns) : shared_.phase.load() == Phase::connecting;
  if (counts) result_.handshake_ns.record(now_ns_ - std::min(now_ns_, connection.connect_started_ns));
  if (churning()) subscribe_more(connection, index);
}

std::string Worker::topic_text(std::uint64_t number) const {
  return topic_name(options_.topic_prefix, number, has_many_topics(options_));
}

std::uint32_t Worker::filter_count(const Connection& connection) const {
  if (options_.scenario == Scenario::fan_out) return options_.publishers;
  if (options_.scenario != Scenario::subscribe) return 1;
  return (options_.subscriptions - connection.role_index + options_.subscribers - 1) / options_.subscribers;
}

std::string Worker::filter_text(const Connection& connection, std::uint32_t number) const {
  switch (options_.scenario) {
    case Scenario::fan_out:
      return topic_text(number);
    case Scenario::fan_in:
      return fmt::format("{}{}/#", options_.shared ? "$share/bench/" : "", options_.topic_prefix);
    case Scenario::subscribe:
      return topic_text(number * options_.subscribers + connection.role_index);
    case Scenario::retained:
    case Scenario::offline:
      if (options_.own_topics) break;
      return fmt::format("{}/#", options_.topic_prefix);
    case Scenario::p2p:
    case Scenario::churn:
    case Scenario::connect:
      break;
  }
  return topic_text(connection.role_index);
}

void Worker::subscribe_more(Connection& connection, std::uint32_t index) {
  const std::uint32_t count = filter_count(connection);
  const std::uint32_t most = connection.filters_done + kSubscribesInFlight * options_.filters_per_packet;
  while (connection.filters_sent < std::min(count, most)) {
    const std::uint32_t until = std::min(count, connection.filters_sent + options_.filters_per_packet);
    const auto packet_id =
        static_cast<std::uint16_t>(1 + connection.filters_sent / options_.filters_per_packet % 0xFFFF);
    wire::FilterListWriter filters(true);
    for (; connection.filters_sent < until; ++connection.filters_sent) {
      const std::string filter = filter_text(connection, connection.filters_sent);
      filters.add({filter, {.qos = static_cast<wire::QoS>(options_.subscribe_qos)}});
    }
    append(connection, index, wire::Subscribe{packet_id, {}, filters.list()});
  }
}

void Worker::subscribed(Connection& connection, std::uint32_t index, ByteView body) {
  const auto decoded = wire::decode(0x90, body, options_.version, wire::Sender::server);
  const auto* ack = decoded ? std::get_if<wire::FilterAck>(&*decoded) : nullptr;
  if (!ack) return fail_connection(connection, "the broker answered SUBSCRIBE with a broken SUBACK");
  for (const std::uint8_t reason : ack->reasons) {
    if (reason != options_.subscribe_qos) {
      return fail_connection(connection, fmt::format("the broker granted 0x{:02x} to a subscription at QoS {}", reason,
                                                     options_.subscribe_qos));
    }
  }
  connection.filters_done += static_cast<std::uint32_t>(ack->reasons.size());
  progress.subscribed.fetch_add(ack->reasons.size(), std::memory_order_relaxed);
  if (connection.filters_done < filter_count(connection)) return subscribe_more(connection, index);
  if (churning()) return go_round(connection, index);
  ++subscribers_done_;
}

}  // namespace martlet::tools::bench
