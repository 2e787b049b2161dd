// Connections of one core: waits for them, reads through one shared buffer, and sends each outbox once per turn. It
// knows bytes, not MQTT. One thread; wake() is the exception.
//
// One turn:   wait_and_dispatch(wake_at)   events -> ReactorHandler
//             (the owner runs its timers)
//             flush()                      outboxes -> sockets
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/byte_chain.h"
#include "base/result.h"
#include "base/time.h"
#include "env/clock.h"
#include "env/network.h"
#include "net/connection_id.h"
#include "net/connection_table.h"
#include "net/reactor_handler.h"
#include "net/released_connection.h"
#include "net/send_batch.h"
#include "net/stream_layer.h"

namespace martlet::net {

struct ReactorOptions {
  std::size_t read_buffer_bytes = 256 * 1024;  // one for all connections; also the most that is read of one in a turn
  std::size_t events_per_turn = 512;
  std::size_t max_connections = 1'000'000;  // accepted ones beyond it are closed at once
  std::size_t accepts_per_turn = 64;        // per listener
  std::size_t outbox_high_bytes = 1024 * 1024;
  std::size_t outbox_low_bytes = 256 * 1024;
  // How many receive()s of layers that are costly (handshakes) in a turn; whose turn it is not waits unread, and nobody
  // waits for it.
  std::size_t costly_steps_per_turn = 8;
  std::int64_t accept_rest_ms = 100;           // after descriptors ran out
  std::int64_t connect_attempt_ms = 10'000;    // per address of a name
  std::int64_t half_closed_linger_ms = 2'000;  // to send the rest after the peer's end, or read it after a failed write
};

struct ReactorStats {
  std::uint64_t accepted = 0;  // adopted ones included
  std::uint64_t released = 0;
  std::uint64_t refused_too_many = 0;
  std::uint64_t refused_out_of_descriptors = 0;
  std::uint64_t refused_system_error = 0;
  std::uint64_t bytes_in = 0;  // of the sockets, as below
  std::uint64_t bytes_out = 0;
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;
};

class Reactor {
 public:
  // All four must outlive the reactor. The handler is not called before the first turn, nor by the destructor, which
  // closes whatever is open.
  Reactor(env::Network& network, env::Clock& clock, ReactorHandler& handler, const ReactorOptions& options = {});
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // Opens a listener; port 0 lets the system choose (see local_endpoint). Connections accepted there get a layer of
  // each of `layers`: the owner then deals in plain bytes, as without. accepted() comes at once, received() when the
  // layers have something. Who never gets ready is the owner's to close.
  Result<ListenerId> listen(const env::Endpoint& endpoint, const env::ListenOptions& options = {},
                            LayerFactories layers = {});
  Result<env::Endpoint> local_endpoint(ListenerId listener);
  // Closes all listeners; connections stay.
  void stop_listening();

  // Starts to connect; a name's addresses are tried in turn. Later connected(), or closed(connect_failed). An Error
  // only if nothing could be tried: then there is no callback. Blocks while the name is resolved.
  Result<ConnectionId> connect(const env::Endpoint& endpoint);

  // True while the owner may use `id`. All functions below ignore a stale id.
  bool is_open(ConnectionId id) { return find_owned(id) != nullptr; }

  // Where the owner appends what is to be sent (also while connecting); touch() it afterwards. `id` stale: a chain
  // whose bytes go nowhere. The reference is good until the connection is closed.
  ByteChain& outbox(ConnectionId id);
  // Whether there are layers; whether all of them, if any, are done with their handshakes.
  bool layered(ConnectionId id);
  bool ready(ConnectionId id);
  // What the layers know of the peer; nullptr of a plain connection, and before it is ready().
  std::shared_ptr<const PeerFacts> peer_facts(ConnectionId id);
  // Inside closed() for layer_failed: why, in one line for a log.
  std::string_view last_failure() const { return last_failure_; }

  // Marks the outbox for the flush at the end of the turn. Cheap, as often as you like.
  void touch(ConnectionId id);
  // True while more than outbox_high_bytes wait. Once true, the fall to outbox_low_bytes is told by drained().
  bool above_high_water(ConnectionId id);

  // From the end of the turn on received() and the end of the stream are held back, until resume_reading(), or until
  // the connection fails: then what had come before is told first.
  void pause_reading(ConnectionId id);
  void resume_reading(ConnectionId id);

  // Closes at once; the outbox is dropped. `id` is stale then, without a closed().
  void close(ConnectionId id);
  // Sends the outbox, lets layers say goodbye, ends the stream, and drops what the peer still sends until it ends too
  // (so that no reset overtakes the last bytes); all of that no later than `deadline` (monotonic). `id` is stale at
  // once, without a closed().
  void close_after_flush(ConnectionId id, DeadlineMs deadline);

  // Gives up an open connection without closing it: `id` is stale at once, without a closed(), and the caller owns the
  // socket, which another reactor, on another thread, may adopt(). Nothing may have been put into the outbox, though
  // layers may have sent what they like; what they still have to send goes along. From inside received() too: the bytes
  // told there are the caller's to carry over; what comes later waits in the socket. Handle::none if `id` is stale.
  ReleasedConnection release(ConnectionId id);
  // Takes over a connection that another reactor released, as if it had just been accepted, but without an accepted().
  // The peer's end is told even if it came in between. On an Error (max_connections, the poller) the socket is closed.
  Result<ConnectionId> adopt(ReleasedConnection connection);

  // Calls external_ready(token) in each turn in which `handle` (signals, standard input) is readable or at its end,
  // until unwatch_external(). `token` below 2^30.
  Result<void> watch_external(env::Handle handle, std::uint32_t token);
  void unwatch_external(env::Handle handle);

  // Waits for events, until `wake_at` (monotonic; kNever: for ever), and hands them to the handler. Does not wait while
  // an outbox is marked, nor if the handler's before_wait() objects. Returns how many events there were.
  std::size_t wait_and_dispatch(DeadlineMs wake_at);
  // Sends what has been marked, and tells drained() and closed() where due.
  void flush();
  // Both. True if there was anything to do.
  bool turn(DeadlineMs wake_at);
  // Ends the current or the next wait. Any thread.
  void wake() { network_.wake(); }

  // The clock as read after the last wait.
  const Now& now() const { return now_; }
  // Connections in any state, those that are being finished included.
  std::size_t connection_count() const { return table_.size(); }
  const ReactorStats& stats() const { return stats_; }

 private:
  struct Listener {
    env::Handle handle = env::Handle::none;
    DeadlineMs resume_at = kNever;  // while it rests
    LayerFactories layers{};
  };
  // Entry of the deadline heap; void unless the connection still has this very deadline.
  struct Alarm {
    DeadlineMs at;
    ConnectionId id;
    bool operator>(const Alarm& other) const { return at > other.at; }
  };

  Connection* find_owned(ConnectionId id);
  void mark_dirty(Connection& connection, std::uint32_t slot);
  void set_deadline(Connection& connection, ConnectionId id, DeadlineMs at);
  // Closes the socket and frees the slot.
  void drop(ConnectionId id);
  // drop() and closed().
  void lose(ConnectionId id, CloseReason reason, int system_code);

  // reactor.cc: the turn and reading
  std::int64_t timeout_until(DeadlineMs wake_at);
  void dispatch(const env::Event& event);
  void connection_event(ConnectionId id, const env::Event& event);
  void read_once(Connection& connection, ConnectionId id, bool hangup);
  void bytes_came(Connection& connection, ConnectionId id, ByteView bytes);
  void stream_ended(Connection& connection, ConnectionId id);
  void run_alarms();

  // reactor_accept.cc: the door
  void accept_from(ListenerId listener);
  void admit(ListenerId listener, const env::Accepted& accepted);
  // Registers a socket as an open connection; without an id, the socket is closed and the reason counted.
  tl::expected<ConnectionId, RefuseReason> take_in(env::Handle handle);
  void count_refusal(RefuseReason reason);
  void refuse(ListenerId listener, RefuseReason reason);
  void rest(Listener& listener);
  void shed_waiting(ListenerId listener);
  void resume_listeners();

  // reactor_layers.cc: what layers change
  void layered_bytes_came(Connection& connection, ConnectionId id, ByteView bytes);
  // A layer ended or failed.
  void layers_over(Connection& connection, ConnectionId id);
  // False if reading would cost more than this turn has left: then it waits in line.
  bool may_cost(Connection& connection, ConnectionId id);
  void run_queue();
  // The chain to write to the socket, with what of the outbox may go into it now.
  ByteChain& to_be_written(Connection& connection);
  static bool anything_left(const Connection& connection);
  static void drop_unsent(Connection& connection);

  // reactor_connect.cc: outgoing attempts
  Result<void> attempt_next(Connection& connection, ConnectionId id);
  void attempt_decided(Connection& connection, ConnectionId id);
  void attempt_failed(Connection& connection, ConnectionId id, int system_code);

  // reactor_flush.cc: sending
  void begin_sending(Connection& connection, ConnectionId id);
  void send_batch();
  // False if after_sending() has to wait, or the connection is gone.
  bool sent(Connection& connection, const SendBatch::Result& result);
  // False if the connection is gone.
  bool writing_failed(Connection& connection, ConnectionId id, int system_code);
  void after_sending(Connection& connection, ConnectionId id);
  void end_stream(Connection& connection, ConnectionId id);
  void update_interest(Connection& connection, ConnectionId id);

  env::Network& network_;
  env::Clock& clock_;
  ReactorHandler& handler_;
  const ReactorOptions options_;

  Now now_;
  ConnectionTable table_;
  std::vector<Listener> listeners_;
  // Addresses not yet tried of connections that are connecting, last one first.
  std::unordered_map<std::uint32_t, std::vector<env::Endpoint>> untried_;
  std::priority_queue<Alarm, std::vector<Alarm>, std::greater<>> alarms_;
  std::vector<std::uint32_t> dirty_;
  std::vector<std::uint32_t> flushing_;
  SendBatch batch_;
  std::vector<std::uint8_t> read_buffer_;
  LayerStack::Scratch scratch_;
  std::deque<ConnectionId> queue_;  // layered ones to look at in the next turn; may hold stale ones
  std::size_t costly_left_ = 0;     // in this turn
  std::string last_failure_;
  std::vector<env::Event> events_;
  ByteChain nowhere_;  // outbox of stale ids
  ReactorStats stats_;
  bool in_callback_ = false;
};

}  // namespace martlet::net
