// One core: a reactor, a broker, and the turn that joins them. Everything runs on the thread that calls run() or
// turn().
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "broker/broker.h"
#include "env/clock.h"
#include "env/network.h"
#include "env/signals.h"
#include "net/reactor.h"

namespace martlet::server {

// What a core is built on; all of it outlives the core.
struct CoreDependencies {
  env::Network& network;
  env::Clock& clock;
  broker::RecordSink& records;
  broker::Authenticator& authenticator;
  broker::Authorizer& authorizer;
  broker::Log& log;
};

class CoreLoop : private net::ReactorHandler, private broker::Transport {
 public:
  // `options` must outlive the loop. The water marks of `reactor_options` are set from it.
  CoreLoop(const broker::BrokerOptions& options, const net::ReactorOptions& reactor_options,
           const CoreDependencies& dependencies);

  // Opens a listener; `name` is for logs. Returns where it is bound (port 0 lets the system choose).
  Result<env::Endpoint> listen(const env::Endpoint& endpoint, std::string_view name, bool reuse_port = false);

  // SIGINT and SIGTERM then stop the loop; SIGUSR1 calls `on_dump`. `signals` outlives the loop.
  Result<void> watch_signals(env::Signals& signals, std::function<void()> on_dump);

  // Turns until a stop was asked for and carried out.
  void run();
  // One turn; waits no longer than until the monotonic time `wake_at` (kNever: until there is something to do). False
  // once stopped.
  bool turn(DeadlineMs wake_at = kNever);
  // Any thread: the loop says goodbye to its clients and ends.
  void request_stop();

  broker::Broker& broker() { return broker_; }
  net::Reactor& reactor() { return reactor_; }

 private:
  // net::ReactorHandler
  void accepted(net::ConnectionId id, net::ListenerId listener, std::string_view peer_address) override;
  void connected(net::ConnectionId) override {}  // a broker connects to nobody
  void received(net::ConnectionId id, ByteView bytes) override;
  void drained(net::ConnectionId id) override;
  void closed(net::ConnectionId id, net::CloseReason reason, int system_code) override;
  void refused(net::ListenerId listener, net::RefuseReason reason) override;
  void external_ready(std::uint32_t token) override;

  // broker::Transport
  ByteChain& outbox(broker::ConnectionId connection) override;
  void touch(broker::ConnectionId connection) override;
  void close(broker::ConnectionId connection) override;
  void pause_reading(broker::ConnectionId connection, bool paused) override;
  std::uint64_t bytes_sent() const override { return reactor_.stats().bytes_out; }

  void begin_stop();
  // One line each time that the disk fails or takes writes again.
  void watch_disk();

  const CoreDependencies dependencies_;
  net::Reactor reactor_;
  broker::Broker broker_;
  std::vector<std::string> listener_names_;
  env::Signals* signals_ = nullptr;
  std::function<void()> on_dump_;
  std::atomic<bool> stop_requested_ = false;
  std::uint64_t durable_position_ = 0;
  bool disk_failing_ = false;
  DeadlineMs stop_by_ms_ = kNever;  // set while stopping
  std::int64_t refusals_logged_at_ms_ = 0;
  std::uint64_t refusals_unlogged_ = 0;
};

}  // namespace martlet::server
