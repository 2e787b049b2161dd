// The turn, the connections' outgoing bytes, and what a run adds up to.
#include "tools/bench/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "env/posix/measure.h"
#include "wire/encode.h"

namespace martlet::tools::bench {
namespace {

constexpr std::size_t kEventsPerTurn = 1024;
constexpr std::size_t kReadBytes = 256 * 1024;
// In front of what is read: the kept start of an unfinished packet.
constexpr std::size_t kHeldBytes = 128 * 1024;
constexpr std::int64_t kLongestWaitMs = 10;
// Below it the worker does not sleep: the poller's millisecond is too coarse for a punctual send.
constexpr std::uint64_t kSpinNs = 1'500'000;
constexpr std::uint32_t kPingsPerTurn = 64;

}  // namespace

Worker::Worker(const BenchOptions& options, const env::Endpoint& broker, env::Network& network,
               const TransportMaker& transports, SharedState& shared, unsigned index)
    : options_(options),
      broker_(broker),
      network_(network),
      transports_(transports),
      shared_(shared),
      index_(index),
      backlog_(effective_backlog(options)),
      read_buffer_(kHeldBytes + kReadBytes),
      filler_(options.payload_bytes - kStampBytes, 'm'),
      events_(kEventsPerTurn) {
  make_connections();
}

void Worker::make_connections() {
  if (is_silent(options_)) {
    for (std::uint32_t i = index_; i < options_.connections; i += options_.threads) {
      Connection& connection = connections_.emplace_back();
      connection.role = churning() ? Role::subscriber : Role::idle;
      connection.role_index = i;
    }
    if (!churning()) connect_all();
    return;
  }
  for (std::uint32_t i = index_; i < options_.publishers; i += options_.threads) {
    make_publisher(i, static_cast<std::uint32_t>(connections_.size()));
    Connection& connection = connections_.emplace_back();
    connection.role = Role::publisher;
    connection.role_index = i;
  }
  for (std::uint32_t i = index_; i < options_.subscribers; i += options_.threads) {
    Connection& connection = connections_.emplace_back();
    connection.role = Role::subscriber;
    connection.role_index = i;
    ++local_subscribers_;
  }
  connect_all();
  const std::size_t cells = std::size_t{local_subscribers_} * options_.publishers;
  if (options_.scenario == Scenario::subscribe) {
    group_.resize(options_.publishers);
  } else if (options_.scenario == Scenario::retained) {
    unordered_.resize(cells);
  } else if (options_.shared || options_.own_topics) {
    group_.resize(options_.publishers);
    orders_.resize(cells);
  } else {
    trackers_.resize(options_.scenario == Scenario::p2p ? local_subscribers_ : cells);
  }
}

void Worker::connect_all() {
  for (std::uint32_t i = 0; i < connections_.size(); ++i) to_connect_.push_back(i);
}

void Worker::make_publisher(std::uint32_t number, std::uint32_t connection) {
  Publisher& publisher = publishers_.emplace_back();
  publisher.head = PublishTemplate(topic_text(number), options_.qos, options_.scenario == Scenario::retained,
                                   options_.payload_bytes, options_.version);
  publisher.connection = connection;
  publisher.limit = messages_of(options_, number);
  most_sent_ = options_.messages == 0 ? publisher.limit : most_sent_ + publisher.limit;
  if (options_.qos > 0) publisher.flight = Flight(options_.window);
}

void Worker::turn() {
  now_ns_ = env::posix::monotonic_ns();
  run_phase(now_ns_);
  ping_some(now_ns_);
  flush_dirty();
  const std::size_t count = network_.wait(wait_ms(env::posix::monotonic_ns()), events_);
  now_ns_ = env::posix::monotonic_ns();
  for (std::size_t i = 0; i < count; ++i) {
    const env::Event& event = events_[i];
    const auto index = static_cast<std::uint32_t>(event.token);
    Connection& connection = connections_[index];
    if (connection.stage >= Stage::away) continue;
    if (connection.stage == Stage::connecting) {
      tcp_decided(connection, index);
      continue;
    }
    if (event.writable && connection.write_blocked) {
      connection.write_blocked = false;
      set_interest(connection, index, false);
      mark_dirty(connection, index);
      if (connection.role == Role::publisher) list_publisher(connection.role_index / options_.threads);
    }
    if (event.readable || event.hangup) read_from(connection, index);
  }
  publish_progress();
}

void Worker::run_phase(std::uint64_t now_ns) {
  switch (shared_.phase.load(std::memory_order_acquire)) {
    case Phase::connecting:
      start_connects(now_ns);
      if (connects_over()) progress.phases_over.store(1, std::memory_order_release);
      return;
    case Phase::subscribing:
      if (!subscribing_started_) {
        subscribing_started_ = true;
        for (std::uint32_t i = 0; i < connections_.size(); ++i) {
          if (connections_[i].role == Role::subscriber) subscribe_more(connections_[i], i);
        }
      }
      if (subscribers_done_ == local_subscribers_) progress.phases_over.store(2, std::memory_order_release);
      return;
    case Phase::running:
      if (churning()) return churn(now_ns);
      if (is_silent(options_)) return;
      collect_due(now_ns);
      send_listed();
      if (stored_first() && everything_sent() && acknowledged_ == sent_) {
        progress.phases_over.store(4, std::memory_order_release);
      }
      return;
    case Phase::leaving:
    case Phase::collecting:
    case Phase::cleaning:
      if (offline()) return run_offline_phase(shared_.phase.load(std::memory_order_relaxed), now_ns);
      return run_retained_phase(shared_.phase.load(std::memory_order_relaxed), now_ns);
    case Phase::done:
      return;
  }
}

std::int64_t Worker::wait_ms(std::uint64_t now_ns) const {
  const Phase phase = shared_.phase.load(std::memory_order_relaxed);
  if (phase == Phase::running && !listed_.empty()) return 0;
  const bool punctual = options_.scenario == Scenario::connect ? phase == Phase::connecting : phase == Phase::running;
  if (paced() && punctual && next_due_ns_ != 0) {
    if (next_due_ns_ <= now_ns + kSpinNs) return 0;
    return std::min(static_cast<std::int64_t>((next_due_ns_ - now_ns - kSpinNs) / 1'000'000), kLongestWaitMs);
  }
  // Deliveries that other threads see open the window here: look again soon.
  return options_.threads > 1 ? 1 : kLongestWaitMs;
}

void Worker::publish_progress() {
  progress.connected.store(connects_done_, std::memory_order_relaxed);
  progress.sent.store(sent_, std::memory_order_relaxed);
  progress.lost.store(result_.connections_lost, std::memory_order_relaxed);
  progress.acknowledged.store(acknowledged_, std::memory_order_relaxed);
  progress.all_sent.store(everything_sent(), std::memory_order_release);
  progress.received.store(received_, std::memory_order_release);
}

void Worker::mark_dirty(Connection& connection, std::uint32_t index) {
  if (connection.dirty) return;
  connection.dirty = true;
  dirty_.push_back(index);
}

std::uint8_t* Worker::extend(Connection& connection, std::uint32_t index, std::size_t count) {
  mark_dirty(connection, index);
  const std::size_t size = connection.out.size();
  connection.out.resize(size + count);
  return connection.out.data() + size;
}

void Worker::append(Connection& connection, std::uint32_t index, const wire::Packet& packet) {
  ByteChain chain;
  wire::encode(packet, options_.version, chain);
  std::uint8_t* to = extend(connection, index, chain.size());
  while (!chain.empty()) {
    ByteView piece;
    chain.front(&piece, 1);
    to = copy_bytes(to, piece);
    chain.consume(piece.size());
  }
}

void Worker::flush_dirty() {
  for (const std::uint32_t index : dirty_) {
    Connection& connection = connections_[index];
    connection.dirty = false;
    if (!connection.write_blocked && connection.stage > Stage::connecting) flush(connection, index);
  }
  dirty_.clear();
}

void Worker::flush(Connection& connection, std::uint32_t index) {
  if (connection.stage >= Stage::away) return;
  if (connection.wrapped) return flush_wrapped(connection, index);
  if (connection.filler_left > 0) return flush_large(connection, index);
  flush_bytes(connection, index, connection.out, connection.out_sent);
}

bool Worker::flush_bytes(Connection& connection, std::uint32_t index, ByteBuffer& bytes, std::size_t& sent) {
  if (bytes.empty()) return true;
  const ByteView rest = ByteView(bytes).subspan(sent);
  const env::IoOutcome outcome = network_.write(connection.handle, {&rest, 1});
  if (outcome.status == env::IoStatus::failed) {
    fail_connection(connection, "the connection broke while sending");
    return false;
  }
  sent += outcome.bytes;
  if (sent < bytes.size()) {
    connection.write_blocked = true;
    set_interest(connection, index, true);
    return false;
  }
  bytes.clear();
  sent = 0;
  return true;
}

void Worker::flush_large(Connection& connection, std::uint32_t index) {
  const ByteView out(connection.out);
  std::array<ByteView, 3> views{out.first(connection.filler_at).subspan(connection.out_sent),
                                ByteView(filler_).last(connection.filler_left), out.subspan(connection.filler_at)};
  std::span<const ByteView> wanted(views);
  if (wanted.back().empty()) wanted = wanted.first(2);
  if (wanted.front().empty()) wanted = wanted.subspan(1);
  const env::IoOutcome outcome = network_.write(connection.handle, wanted);
  if (outcome.status == env::IoStatus::failed) return fail_connection(connection, "the connection broke while sending");
  const std::size_t before = std::min(outcome.bytes, connection.filler_at - connection.out_sent);
  const std::size_t filler = std::min(outcome.bytes - before, connection.filler_left);
  connection.filler_left -= filler;
  connection.out_sent += outcome.bytes - filler;
  if (connection.filler_left > 0 || connection.out_sent < connection.out.size()) {
    connection.write_blocked = true;
    return set_interest(connection, index, true);
  }
  connection.out.clear();
  connection.out_sent = 0;
  // Its next message has waited for the place.
  if (connection.role == Role::publisher) list_publisher(connection.role_index / options_.threads);
}

bool Worker::wrap(Connection& connection) {
  Wrapped& wrapped = *connection.wrapped;
  if (!wrapped.filter->send(connection.out, wrapped.out)) {
    fail_connection(connection, wrapped.filter->error());
    return false;
  }
  connection.out.clear();
  return true;
}

void Worker::flush_wrapped(Connection& connection, std::uint32_t index) {
  Wrapped& wrapped = *connection.wrapped;
  if (!flush_bytes(connection, index, wrapped.out, wrapped.out_sent)) return;
  if (connection.out.empty() || !wrapped.filter->ready() || !wrap(connection)) return;
  flush_bytes(connection, index, wrapped.out, wrapped.out_sent);
}

void Worker::set_interest(Connection& connection, std::uint32_t index, bool write) {
  network_.change(connection.handle, {.read = true, .write = write}, index);
}

void Worker::fail_connection(Connection& connection, std::string_view why) {
  if (connection.stage >= Stage::away) return;
  if (connection.stage == Stage::leaving) return left(connection);
  if (result_.error.empty()) result_.error = why;
  // Before the load starts a run without all its connections makes no sense.
  if (shared_.phase.load(std::memory_order_relaxed) < Phase::running) progress.failed = true;
  if (connection.stage == Stage::connecting || connection.stage == Stage::greeting) --connects_open_;
  if (connection.stage < Stage::connected) ++connects_failed_;
  if (connection.handle != env::Handle::none) network_.close(connection.handle);
  connection.stage = Stage::lost;
  connection.out.clear();
  connection.out_sent = 0;
  ++result_.connections_lost;
}

void Worker::ping_some(std::uint64_t now_ns) {
  if (options_.keep_alive_s == 0 || connects_done_ == 0) return;
  // Each connection once in a little less than its keep alive, evenly spread.
  const std::uint64_t interval_ns = std::uint64_t{options_.keep_alive_s} * 900'000'000 / connections_.size();
  if (next_ping_ns_ == 0) next_ping_ns_ = now_ns + interval_ns;
  for (std::uint32_t i = 0; i < kPingsPerTurn && next_ping_ns_ <= now_ns; ++i, next_ping_ns_ += interval_ns) {
    if (next_pinged_ >= connections_.size()) next_pinged_ = 0;
    Connection& connection = connections_[next_pinged_];
    if (connection.stage == Stage::connected) append(connection, next_pinged_, wire::Pingreq{});
    ++next_pinged_;
  }
}

void Worker::say_goodbye(Connection& connection, std::uint32_t index) {
  append(connection, index, wire::Disconnect{});
  flush(connection, index);
  if (!connection.wrapped || connection.stage != Stage::connected) return;
  connection.wrapped->filter->close(connection.wrapped->out);
  flush(connection, index);
}

void Worker::finish() {
  for (std::uint32_t i = 0; i < connections_.size(); ++i) {
    Connection& connection = connections_[i];
    if (connection.stage == Stage::connected && !connection.write_blocked) say_goodbye(connection, i);
    if (connection.stage != Stage::lost && connection.handle != env::Handle::none) network_.close(connection.handle);
    connection.stage = Stage::lost;
  }
}

std::uint64_t Worker::sent_by(std::uint32_t publisher) const {
  const std::size_t local = publisher / options_.threads;
  return is_local(publisher) && local < publishers_.size() ? publishers_[local].next_sequence : 0;
}

std::uint64_t Worker::missing(std::span<const std::uint64_t> sent) const {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < trackers_.size(); ++i) {
    const std::size_t publisher =
        options_.scenario == Scenario::p2p ? i * options_.threads + index_ : i % options_.publishers;
    count += trackers_[i].missing(sent[publisher]);
  }
  for (std::size_t i = 0; i < unordered_.size(); ++i) count += unordered_[i].missing(sent[i % options_.publishers]);
  return count;
}

}  // namespace martlet::tools::bench
