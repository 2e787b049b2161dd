#include "server/core_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "net/proxy_protocol.h"

namespace martlet::server {
namespace {

// How long a connection that is being closed, or the whole broker, may take to send its last bytes.
constexpr std::int64_t kLingerMs = 2'000;
// A flood of refused connections gives one log line in this time.
constexpr std::int64_t kRefusalLogMs = 1'000;
constexpr std::uint32_t kSignalsToken = 1;
// Between looks at whether the other cores are done.
constexpr std::int64_t kGoodbyePollMs = 5;

net::ReactorOptions with_water_marks(net::ReactorOptions options, const broker::BrokerOptions& broker_options) {
  // The broker stops at its mark or above, the reactor remembers what is above its own: one byte less makes them agree.
  options.outbox_high_bytes = broker_options.endpoint.outbox_high_bytes - 1;
  options.outbox_low_bytes = options.outbox_high_bytes / 4;
  return options;
}

net::ConnectionId net_id(broker::ConnectionId id) {
  return {id.slot, id.generation};
}
broker::ConnectionId broker_id(net::ConnectionId id) {
  return {id.slot, id.generation};
}

const char* refusal_text(net::RefuseReason reason) {
  switch (reason) {
    case net::RefuseReason::too_many_connections:
      return "too many connections";
    case net::RefuseReason::out_of_descriptors:
      return "out of file descriptors: raise the limit (ulimit -n, LimitNOFILE=)";
    case net::RefuseReason::system_error:
      break;
  }
  return "the system's accept failed";
}

}  // namespace

CoreLoop::CoreLoop(const broker::BrokerOptions& options, const net::ReactorOptions& reactor_options,
                   const CoreDependencies& dependencies)
    : dependencies_(dependencies),
      reactor_(dependencies.network, dependencies.clock, *this, with_water_marks(reactor_options, options)),
      broker_(options,
              {*this, dependencies.records, dependencies.authenticator, dependencies.authorizer, dependencies.log,
               dependencies.commons, dependencies.link, dependencies.link ? dependencies.link->core() : 0,
               dependencies.mailbox, dependencies.admission},
              dependencies.clock.now()),
      client_seed_(options.client_seed),
      lobby_(options.endpoint.connect_timeout_ms) {
  const bool shares_log = dependencies.link && dependencies.records.next_position() != 0;
  if (shares_log) keep_house_at_ms_ = 0;
}

Result<env::Endpoint> CoreLoop::listen(const env::Endpoint& endpoint, const ListenerSetup& setup) {
  const auto listener = reactor_.listen(endpoint, setup.options, setup.layers);
  if (!listener) return tl::unexpected(listener.error());
  if (listener_of_.size() <= listener->index) listener_of_.resize(listener->index + 1);
  listener_of_[listener->index] = setup.index;
  know_listener(setup);
  return reactor_.local_endpoint(*listener);
}

void CoreLoop::know_listener(const ListenerSetup& setup) {
  if (listeners_.size() <= setup.index) listeners_.resize(setup.index + 1);
  listeners_[setup.index] = {setup.name, setup.named_by_user, setup.behind_proxy, setup.proxies};
}

Result<void> CoreLoop::try_address(const env::Endpoint& endpoint) {
  const auto opened = dependencies_.network.listen(endpoint, {});
  if (!opened) return tl::unexpected(opened.error());
  dependencies_.network.close(*opened);
  return {};
}

Result<void> CoreLoop::watch_signals(env::Signals& signals) {
  signals_ = &signals;
  return reactor_.watch_external(signals.handle(), kSignalsToken);
}

void CoreLoop::run() {
  while (turn()) {
  }
}

bool CoreLoop::turn(DeadlineMs wake_at) {
  if (stop_requested_.exchange(false)) begin_stop();
  if (!going_on(wake_at)) return false;
  reactor_.wait_and_dispatch(wake_at);
  if (dependencies_.mailbox) dependencies_.mailbox->read(*this);
  CoreLink* link = dependencies_.link;
  if (link) {
    link->listen(*this);
    keep_house();
  }
  clear_lobby();
  broker_.run_timers(reactor_.now());
  dependencies_.records.submit();
  const std::uint64_t durable = dependencies_.records.durable_position();
  if (durable != durable_position_) {
    durable_position_ = durable;
    broker_.durable(durable, reactor_.now());
    dependencies_.records.submit();
  }
  watch_disk();
  if (link) link->speak(durable_position_);
  if (stopping_ == Stopping::wills && !link->has_backlog()) {
    stopping_ = Stopping::wills_said;
    link->said_last_wills();
  }
  reactor_.flush();
  return true;
}

bool CoreLoop::going_on(DeadlineMs& wake_at) {
  CoreLink* link = dependencies_.link;
  wake_at = std::min({wake_at, broker_.next_deadline(), stop_by_ms_, lobby_.deadline(), keep_house_at_ms_});
  const std::int64_t now_ms = reactor_.now().mono_ms;
  // The others have no room for what is to be said: look again soon.
  if (link && link->has_backlog()) wake_at = std::clamp(wake_at, now_ms + 1, now_ms + 2);
  if (stop_by_ms_ == kNever) return true;
  const bool alone = reactor_.connection_count() == 0 || now_ms >= stop_by_ms_;
  if (!link) return !alone;
  if (stopping_ != Stopping::goodbye) {
    if (link->all_said_last_wills() || now_ms >= stop_by_ms_) {
      link->listen(*this);
      say_goodbye();
    }
    wake_at = std::min<DeadlineMs>(wake_at, now_ms + kGoodbyePollMs);
    return true;
  }
  // What the others still say, the wills of their clients above all, is heard until all are done.
  if (alone && !said_goodbye_ && (link->is_idle() || now_ms >= stop_by_ms_ + kLingerMs)) {
    said_goodbye_ = true;
    link->say_goodbye();
  }
  wake_at = std::min<DeadlineMs>(wake_at, now_ms + kGoodbyePollMs);
  return !link->all_said_goodbye() || link->listen(*this);
}

void CoreLoop::keep_house() {
  constexpr std::int64_t kEveryMs = 2'000;
  const Now& now = reactor_.now();
  if (now.mono_ms < keep_house_at_ms_) return;
  keep_house_at_ms_ = now.mono_ms + kEveryMs;
  dependencies_.records.renew();
  broker_.trim_if_due(now);
}

void CoreLoop::watch_disk() {
  const bool failing = dependencies_.records.failing();
  if (failing == disk_failing_) return;
  disk_failing_ = failing;
  if (dependencies_.link && dependencies_.link->core() != 0) return;  // it is the disk of all cores
  if (!failing) {
    return dependencies_.log.write(broker::LogLevel::warning,
                                   "the data directory takes writes again: what was held is acknowledged");
  }
  dependencies_.log.write(
      broker::LogLevel::error,
      fmt::format(
          "{}. QoS 1 and 2 messages are refused (5.0) or held (3.1.1), nothing acknowledged is lost. Make room or "
          "repair the disk: the broker tries again and goes on by itself",
          dependencies_.records.failure()));
}

void CoreLoop::request_stop() {
  stop_requested_ = true;
  reactor_.wake();
}

void CoreLoop::begin_stop() {
  if (stopping_ != Stopping::no) return;
  stopping_ = Stopping::wills;
  const Now now = dependencies_.clock.now();
  stop_by_ms_ = now.mono_ms + kLingerMs;
  reactor_.stop_listening();
  while (const auto guest = lobby_.anybody()) {
    lobby_.leave(*guest);
    let_out(*guest);
    reactor_.close(*guest);
  }
  if (!dependencies_.link) return say_goodbye();
  dependencies_.link->send_all(CoreNote::Kind::stop);
  broker_.publish_last_wills(now);
}

void CoreLoop::say_goodbye() {
  stopping_ = Stopping::goodbye;
  broker_.shut_down(dependencies_.clock.now());
  reactor_.flush();
}

// ---- from the reactor

void CoreLoop::accepted(net::ConnectionId id, net::ListenerId from, std::string_view peer_address) {
  const std::uint32_t listener = listener_of_[from.index];
  if (!awaits_address(listener, peer_address) && !let_in(id, listener, peer_address)) return reactor_.close(id);
  if (dependencies_.link || reactor_.layered(id)) return enter_lobby(id, listener, peer_address);
  broker_.connection_opened(broker_id(id), {listener, peer_address, nullptr}, reactor_.now());
}

// A proxy's own address says nothing of the client: see located().
bool CoreLoop::awaits_address(std::uint32_t listener, std::string_view peer_address) const {
  return listeners_[listener].behind_proxy && net::may_send_header(listeners_[listener].proxies, peer_address);
}

bool CoreLoop::let_in(net::ConnectionId id, std::uint32_t listener, std::string_view peer_address) {
  if (!dependencies_.admission) return true;
  const AddressKey address = dependencies_.admission->key_of(peer_address);
  const Entry entry = dependencies_.admission->enter(address, reactor_.now());
  if (entry == Entry::admitted) {
    remember(id, address);
    return true;
  }
  log_refusal(listeners_[listener].name, entry_rule(entry), peer_address);
  return false;
}

void CoreLoop::remember(net::ConnectionId id, AddressKey address) {
  if (address == 0) return;
  if (addresses_.size() <= id.slot) addresses_.resize(id.slot + 1);
  addresses_[id.slot] = address;
}

AddressKey CoreLoop::forget(net::ConnectionId id) {
  return id.slot < addresses_.size() ? std::exchange(addresses_[id.slot], 0) : 0;
}

void CoreLoop::let_out(net::ConnectionId id) {
  if (const AddressKey address = forget(id)) dependencies_.admission->leave(address, reactor_.now());
}

void CoreLoop::received(net::ConnectionId id, ByteView bytes) {
  if (lobby_.size() != 0 && lobby_.find(id)) return greet(id, bytes);
  broker_.bytes_received(broker_id(id), bytes, reactor_.now());
}

void CoreLoop::drained(net::ConnectionId id) {
  broker_.outbox_drained(broker_id(id), reactor_.now());
}

void CoreLoop::closed(net::ConnectionId id, net::CloseReason reason, int) {
  let_out(id);
  if (lobby_.size() != 0 && lobby_.find(id)) guest_lost(id, reason);
  const auto cause =
      reason == net::CloseReason::peer_closed ? broker::LostBy::peer_closed : broker::LostBy::network_error;
  broker_.connection_lost(broker_id(id), cause, reactor_.now());
}

void CoreLoop::refused(net::ListenerId listener, net::RefuseReason reason) {
  log_refusal(listeners_[listener_of_[listener.index]].name, refusal_text(reason));
}

void CoreLoop::log_refusal(std::string_view listener, std::string_view reason, std::string_view peer_address) {
  ++refusals_unlogged_;
  const std::int64_t now_ms = reactor_.now().mono_ms;
  if (refusals_logged_at_ms_ != 0 && now_ms < refusals_logged_at_ms_ + kRefusalLogMs) return;
  refusals_logged_at_ms_ = now_ms;
  const std::string count = std::to_string(std::exchange(refusals_unlogged_, 0));
  const broker::LogField more[] = {{"reason", reason}, {"connections", count}};
  net_log().write(broker::LogLevel::warning,
                  fmt::format("listener \"{}\" turned away {} connection(s){}: {}", listener, count,
                              peer_address.empty() ? "" : fmt::format(", the last one of {}", peer_address), reason),
                  {{}, peer_address, {}, listener, more});
}

void CoreLoop::on_dump(std::function<void()> dump) {
  on_dump_ = std::move(dump);
}

void CoreLoop::on_reload(std::function<void()> reload) {
  on_reload_ = std::move(reload);
}

void CoreLoop::external_ready(std::uint32_t) {
  while (const auto signal = signals_->next()) {
    if (*signal == env::Signal::dump) {
      on_dump_();
      if (dependencies_.link) dependencies_.link->send_all(CoreNote::Kind::dump);
    } else if (*signal == env::Signal::reload) {
      if (on_reload_) on_reload_();
    } else {
      stop_requested_ = true;
    }
  }
}

// ---- from other threads

void CoreLoop::answered(const broker::QuestionId& question, const broker::AuthDecision& decision) {
  broker_.answered(question, decision, reactor_.now());
}

void CoreLoop::answered(const broker::QuestionId& question, const broker::AccessDecision& decision) {
  broker_.answered(question, decision, reactor_.now());
}

// ---- from the other cores

Ticket CoreLoop::heard(const broker::Forwarded& forwarded) {
  return broker_.forwarded(forwarded, reactor_.now());
}

void CoreLoop::heard(CoreNote& note) {
  switch (note.kind) {
    case CoreNote::Kind::group_connected:
      broker_.group_connected(static_cast<std::uint32_t>(note.number), reactor_.now());
      break;
    case CoreNote::Kind::connection:
      move_in(*note.connection);
      break;
    case CoreNote::Kind::dump:
      if (on_dump_) on_dump_();
      break;
    case CoreNote::Kind::stop:
      begin_stop();
      break;
    case CoreNote::Kind::forwarded:
    case CoreNote::Kind::recorded:
      break;  // the link's own
  }
}

// ---- from the broker

ByteChain& CoreLoop::outbox(broker::ConnectionId connection) {
  return reactor_.outbox(net_id(connection));
}

void CoreLoop::touch(broker::ConnectionId connection) {
  reactor_.touch(net_id(connection));
}

void CoreLoop::close(broker::ConnectionId connection) {
  let_out(net_id(connection));
  reactor_.close_after_flush(net_id(connection), reactor_.now().mono_ms + kLingerMs);
}

void CoreLoop::pause_reading(broker::ConnectionId connection, bool paused) {
  paused ? reactor_.pause_reading(net_id(connection)) : reactor_.resume_reading(net_id(connection));
}

}  // namespace martlet::server
