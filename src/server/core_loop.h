// One core: a reactor, a broker, and the turn that joins them. Everything runs on the thread that calls run() or
// turn().
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/network_range.h"
#include "base/result.h"
#include "broker/broker.h"
#include "env/clock.h"
#include "env/network.h"
#include "env/signals.h"
#include "net/reactor.h"
#include "server/admission/admission.h"
#include "server/cores/core_link.h"
#include "server/cores/lobby.h"
#include "server/cores/mailbox.h"

namespace martlet::server {

// What a core is built on; all of it outlives the core.
struct CoreDependencies {
  env::Network& network;
  env::Clock& clock;
  broker::RecordSink& records;
  broker::Authenticator& authenticator;
  broker::Authorizer& authorizer;
  broker::Log& log;
  // With several cores: what they share, and this one's way to the others.
  broker::Commons* commons = nullptr;
  CoreLink* link = nullptr;
  // What other threads have for this core; null: nothing.
  Mailbox* mailbox = nullptr;
  // Who may come in; null: everybody.
  Admission* admission = nullptr;
  // What is logged of connections before they are the broker's; null: `log`.
  broker::Log* net_log = nullptr;
};

// A listener as a core opens it.
struct ListenerSetup {
  std::uint32_t index = 0;  // of BrokerOptions::listeners
  std::string name = {};    // for logs
  env::ListenOptions options = {};
  net::LayerFactories layers = {};         // of its connections; they outlive the core
  bool named_by_user = false;              // the user name is the client identifier
  bool behind_proxy = false;               // the peer's address is a proxy's, the client's is in a header ...
  std::vector<NetworkRange> proxies = {};  // ... that these may send; empty: everybody
};

class CoreLoop : private net::ReactorHandler,
                 private broker::Transport,
                 private CoreLink::Listener,
                 private Mailbox::Reader {
 public:
  // `options` must outlive the loop. The water marks of `reactor_options` are set from it.
  CoreLoop(const broker::BrokerOptions& options, const net::ReactorOptions& reactor_options,
           const CoreDependencies& dependencies);

  // Opens a listener. Returns where it is bound (port 0 lets the system choose).
  Result<env::Endpoint> listen(const env::Endpoint& endpoint, const ListenerSetup& setup);
  // One that another core listens at: its connections may come here.
  void know_listener(const ListenerSetup& setup);

  // Whether `endpoint` can be listened at: as a broker that shares it with nobody.
  Result<void> try_address(const env::Endpoint& endpoint);

  // SIGINT and SIGTERM then stop the loop, and all others of the process; SIGUSR1 calls each one's on_dump(), SIGHUP
  // this one's on_reload(). `signals` outlives the loop.
  Result<void> watch_signals(env::Signals& signals);
  // What to do, on the loop's thread, to show how it is.
  void on_dump(std::function<void()> dump);
  // What to do, on the loop's thread and without waiting, when the configuration is to be read again.
  void on_reload(std::function<void()> reload);

  // Turns until a stop was asked for and carried out.
  void run();
  // One turn; waits no longer than until the monotonic time `wake_at` (kNever: until there is something to do). False
  // once stopped.
  bool turn(DeadlineMs wake_at = kNever);
  // Any thread: the loop says goodbye to its clients and ends; with several cores all do.
  void request_stop();
  // After the end: nothing was left that another core, or the disk, had not taken.
  bool settled() const { return !dependencies_.link || dependencies_.link->is_idle(); }

  broker::Broker& broker() { return broker_; }
  const broker::Broker& broker() const { return broker_; }
  net::Reactor& reactor() { return reactor_; }

 private:
  // net::ReactorHandler
  void accepted(net::ConnectionId id, net::ListenerId listener, std::string_view peer_address) override;
  bool located(net::ConnectionId id, std::string_view peer_address) override;
  void connected(net::ConnectionId) override {}  // a broker connects to nobody
  void received(net::ConnectionId id, ByteView bytes) override;
  void drained(net::ConnectionId id) override;
  void closed(net::ConnectionId id, net::CloseReason reason, int system_code) override;
  void refused(net::ListenerId listener, net::RefuseReason reason) override;
  void external_ready(std::uint32_t token) override;
  bool before_wait() override {
    // An outbox that was sent behind the turn's submit() may have made room for a message that waits for its record.
    dependencies_.records.submit();
    return !dependencies_.link || dependencies_.link->about_to_wait();
  }
  void after_wait() override {
    if (dependencies_.link) dependencies_.link->woke();
  }

  // CoreLink::Listener
  Ticket heard(const broker::Forwarded& forwarded) override;
  void heard(CoreNote& note) override;
  // Nothing is left over at the end.
  bool takes_forwarded() const override { return stop_by_ms_ != kNever || broker_.takes_forwarded(); }

  // Mailbox::Reader
  void answered(const broker::QuestionId& question, const broker::AuthDecision& decision) override;
  void answered(const broker::QuestionId& question, const broker::AccessDecision& decision) override;

  bool awaits_address(std::uint32_t listener, std::string_view peer_address) const;
  // Whether the connection may come in; if not, it is to be closed.
  bool let_in(net::ConnectionId id, std::uint32_t listener, std::string_view peer_address);
  void remember(net::ConnectionId id, AddressKey address);
  // The connection leaves this core; the address it was counted for.
  AddressKey forget(net::ConnectionId id);
  void let_out(net::ConnectionId id);

  // core_loop_lobby.cc: to which core a new connection goes
  void enter_lobby(net::ConnectionId id, std::uint32_t listener, std::string_view peer_address);
  void greet(net::ConnectionId id, ByteView bytes);
  void stay(net::ConnectionId id, ByteView bytes);
  void move_on(net::ConnectionId id, std::uint32_t core, ByteView bytes);
  void move_in(MovedConnection& moved);
  void clear_lobby();
  bool named_by_user(std::uint32_t listener) const;
  void guest_lost(net::ConnectionId id, net::CloseReason reason);
  void log_failure(const Lobby::Guest& guest, std::string_view why);

  // broker::Transport
  ByteChain& outbox(broker::ConnectionId connection) override;
  void touch(broker::ConnectionId connection) override;
  void close(broker::ConnectionId connection) override;
  void pause_reading(broker::ConnectionId connection, bool paused) override;
  std::uint64_t bytes_sent() const override { return reactor_.stats().bytes_out; }

  broker::Log& net_log() const { return dependencies_.net_log ? *dependencies_.net_log : dependencies_.log; }
  // `peer_address`: empty where it is not known.
  void log_refusal(std::string_view listener, std::string_view reason, std::string_view peer_address = {});
  // Nobody new is let in, and the last wills are said; then, with several cores once all have, clients are told
  // goodbye.
  void begin_stop();
  void say_goodbye();
  // False once stopped; else no longer than until when to wait.
  bool going_on(DeadlineMs& wake_at);
  // What is done every few seconds so that the cores' logs go on together.
  void keep_house();
  // One line each time that the disk fails or takes writes again.
  void watch_disk();

  const CoreDependencies dependencies_;
  net::Reactor reactor_;
  broker::Broker broker_;
  struct Listener {
    std::string name;
    bool named_by_user = false;
    bool behind_proxy = false;
    std::vector<NetworkRange> proxies;
  };
  std::vector<Listener> listeners_;         // as BrokerOptions::listeners
  std::vector<std::uint32_t> listener_of_;  // by the reactor's ListenerId
  const std::uint64_t client_seed_;
  Lobby lobby_;
  DeadlineMs keep_house_at_ms_ = kNever;
  enum class Stopping : std::uint8_t { no, wills, wills_said, goodbye };
  Stopping stopping_ = Stopping::no;
  bool said_goodbye_ = false;
  env::Signals* signals_ = nullptr;
  std::function<void()> on_dump_;
  std::function<void()> on_reload_;
  std::vector<AddressKey> addresses_;  // by slot of the connection: whom admission counts it for
  std::atomic<bool> stop_requested_ = false;
  std::uint64_t durable_position_ = 0;
  bool disk_failing_ = false;
  DeadlineMs stop_by_ms_ = kNever;  // set while stopping
  std::int64_t refusals_logged_at_ms_ = 0;
  std::uint64_t refusals_unlogged_ = 0;
};

}  // namespace martlet::server
