// One thread of the generator: its share of the connections and the turn that drives them.
//
// One turn:   what is due is published; outgoing bytes are flushed, one write a connection; the poller is asked; what
//             came is read and accounted for.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/histogram.h"
#include "env/network.h"
#include "tools/bench/accounting.h"
#include "tools/bench/connection.h"
#include "tools/bench/options.h"
#include "tools/bench/pacing.h"
#include "tools/bench/shared_state.h"
#include "tools/bench/transport.h"
#include "wire/packet.h"
#include "wire/properties.h"

namespace martlet::tools::bench {

// What a worker has counted, to be read when its thread is over.
struct WorkerResult {
  // Of messages due in the measured time: to their delivery, or to their acknowledgement if they are stored first.
  Histogram latency_ns;
  Histogram ack_ns;        // of the same, to their acknowledgement; not if they are stored first
  Histogram late_ns;       // paced: from the time when they were due to their sending
  Histogram handshake_ns;  // from the TCP connect to CONNACK
  Histogram round_ns;      // churn: from the TCP connect to SUBACK, of those due in the measured time
  std::uint64_t sent_in_window = 0;
  std::uint64_t received_in_window = 0;
  std::uint64_t acknowledged_in_window = 0;
  std::uint64_t refused = 0;  // messages that the broker acknowledged with a failure
  std::uint64_t connections_lost = 0;
  std::uint64_t stalls = 0;  // times that a flat-out run went on without the deliveries it waited for
  Faults faults;             // all but the missing
  std::string error;         // the first thing that went wrong
  std::string first_fault;   // what was wrong with the first foreign message
};

class Worker {
 public:
  // Takes connection i of publishers and of subscribers for each i with i % threads == index. All outlive the worker.
  Worker(const BenchOptions& options, const env::Endpoint& broker, env::Network& network,
         const TransportMaker& transports, SharedState& shared, unsigned index);

  // One turn; waits no longer than a few milliseconds.
  void turn();
  // Ends the connections that are up with DISCONNECT.
  void finish();

  WorkerProgress progress;
  const WorkerResult& result() const { return result_; }
  // Messages that publisher `publisher` of this worker sent; 0 for another's.
  std::uint64_t sent_by(std::uint32_t publisher) const;
  // Adds what is missing of one-to-one accounting, given what each publisher sent.
  std::uint64_t missing(std::span<const std::uint64_t> sent) const;
  // Shared subscriptions: what this worker's members saw of each publisher.
  const std::vector<SharedTracker>& group() const { return group_; }

 private:
  // worker.cc
  void make_connections();
  void connect_all();
  void make_publisher(std::uint32_t number, std::uint32_t connection);
  void run_phase(std::uint64_t now_ns);
  std::int64_t wait_ms(std::uint64_t now_ns) const;
  void publish_progress();
  void flush_dirty();
  void flush(Connection& connection, std::uint32_t index);
  // Writes what is left of `bytes` from `sent` on. True if all of it is gone; then both are cleared.
  bool flush_bytes(Connection& connection, std::uint32_t index, ByteBuffer& bytes, std::size_t& sent);
  void flush_wrapped(Connection& connection, std::uint32_t index);
  void flush_large(Connection& connection, std::uint32_t index);
  bool wrap(Connection& connection);
  void say_goodbye(Connection& connection, std::uint32_t index);
  void mark_dirty(Connection& connection, std::uint32_t index);
  std::uint8_t* extend(Connection& connection, std::uint32_t index, std::size_t count);
  void append(Connection& connection, std::uint32_t index, const wire::Packet& packet);
  void fail_connection(Connection& connection, std::string_view why);
  void set_interest(Connection& connection, std::uint32_t index, bool write);
  void ping_some(std::uint64_t now_ns);
  bool is_local(std::uint32_t publisher) const { return publisher % options_.threads == index_; }

  // worker_connect.cc
  void start_connects(std::uint64_t now_ns);
  bool connects_over() const { return connects_done_ + connects_failed_ == to_connect_.size(); }
  void start_connect(std::uint32_t index, std::uint64_t due_ns);
  void tcp_decided(Connection& connection, std::uint32_t index);
  void greeted(Connection& connection, std::uint32_t index, ByteView body);
  void subscribe_more(Connection& connection, std::uint32_t index);
  void subscribed(Connection& connection, std::uint32_t index, ByteView body);
  std::uint32_t filter_count(const Connection& connection) const;
  std::string filter_text(const Connection& connection, std::uint32_t number) const;
  std::string topic_text(std::uint64_t number) const;

  // worker_offline.cc
  void run_offline_phase(Phase phase, std::uint64_t now_ns);
  // DISCONNECT on all subscribers that are connected.
  void leave(std::uint64_t now_ns);
  void left(Connection& connection);
  bool all_left(std::uint64_t now_ns);
  // All subscribers are to be connected again.
  void call_back();
  void clean_up(std::uint64_t now_ns);
  void ask_for_session(wire::Connect& connect, wire::PropertyWriter& properties) const;
  bool is_session_expected(const wire::Connack& connack);
  bool offline() const { return options_.scenario == Scenario::offline; }
  bool stored_first() const { return is_stored_first(options_); }

  // worker_churn.cc
  // Starts as many connections as are due and have a place.
  void churn(std::uint64_t now_ns);
  bool all_rounds_started() const;
  // A connection of a churn has its SUBACK: it leaves.
  void go_round(Connection& connection, std::uint32_t index);
  bool churning() const { return options_.scenario == Scenario::churn; }

  // worker_retained.cc
  void run_retained_phase(Phase phase, std::uint64_t now_ns);
  void clear_some(Publisher& publisher, std::uint32_t number);
  bool all_cleared() const;

  // worker_publish.cc
  void collect_due(std::uint64_t now_ns);
  void send_listed();
  void send_what_may(std::uint32_t local);
  bool may_send(const Publisher& publisher, const Connection& connection, std::uint32_t number) const;
  // Messages of a publisher that not everybody has who is owed them, as far as the threads tell each other.
  std::uint64_t undelivered(const Publisher& publisher, std::uint32_t number) const;
  void send_one(Publisher& publisher, std::uint32_t number, std::uint64_t due_ns);
  std::uint16_t take_packet_id(Publisher& publisher, std::uint64_t due_ns);
  void list_publisher(std::uint32_t local);
  void forgive_if_stalled(std::uint64_t now_ns);
  bool everything_sent() const;
  bool paced() const { return options_.rate_per_s > 0; }
  bool is_measured(std::uint64_t at_ns) const {
    return at_ns >= shared_.measure_from_ns && at_ns < shared_.measure_to_ns;
  }

  // worker_receive.cc
  void read_from(Connection& connection, std::uint32_t index);
  bool unwrap(Connection& connection, std::uint32_t index, ByteView bytes);
  bool take_packets(Connection& connection, std::uint32_t index, ByteView bytes);
  bool take_packet(Connection& connection, std::uint32_t index, const PacketHeader& header, ByteView body);
  // What is wrong with a message that this connection got; empty if it is one that was sent here.
  std::string_view fault_of(const Connection& connection, const ReceivedPublish& publish) const;
  void note_foreign(std::string_view fault, const ReceivedPublish& publish);
  bool is_expected(const Connection& connection, const ReceivedPublish& publish);
  void take_publish(Connection& connection, std::uint32_t index, const ReceivedPublish& publish, bool expected);
  bool take_ack(Connection& connection, std::uint32_t index, wire::PacketType type, ByteView body);
  void message_done(Connection& connection, std::uint16_t packet_id, std::uint8_t reason);
  bool account(const Connection& connection, const ReceivedPublish& publish);

  const BenchOptions& options_;
  const env::Endpoint broker_;
  env::Network& network_;
  const TransportMaker& transports_;
  SharedState& shared_;
  const unsigned index_;
  const std::uint32_t backlog_;

  std::vector<Connection> connections_;
  std::vector<Publisher> publishers_;  // local ones; number = local * threads + index
  std::vector<std::uint32_t> dirty_;
  std::vector<std::uint32_t> listed_;
  std::vector<std::uint32_t> listed_now_;
  std::vector<std::uint8_t> read_buffer_;
  ByteBuffer unwrapped_;              // what was read, behind TLS and WebSocket
  std::vector<std::uint8_t> filler_;  // payload behind the stamp
  std::vector<env::Event> events_;

  std::vector<std::uint32_t> to_connect_;  // connections, in this order
  std::uint32_t connects_started_ = 0;     // of to_connect_
  std::uint32_t connects_open_ = 0;        // started and undecided
  std::uint32_t connects_done_ = 0;
  std::uint32_t connects_failed_ = 0;
  bool subscribing_started_ = false;
  bool running_started_ = false;
  std::uint32_t subscribers_done_ = 0;
  std::uint32_t local_subscribers_ = 0;
  Pacing pacing_;
  std::uint32_t due_publisher_ = 0;  // whose message is due next (local), and which one
  std::uint64_t due_sequence_ = 0;
  std::uint64_t next_due_ns_ = 0;
  std::uint64_t next_ping_ns_ = 0;
  std::uint32_t next_pinged_ = 0;
  std::uint64_t now_ns_ = 0;
  std::uint64_t last_traffic_ns_ = 0;
  std::uint64_t owed_total_ = 0;  // paced: due and not yet sent, all publishers
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;

  enum class Cleaning : std::uint8_t { leaving, connecting, leaving_again };
  Phase offline_phase_ = Phase::connecting;
  Cleaning cleaning_ = Cleaning::leaving;
  std::uint32_t leaving_ = 0;  // connections
  std::uint64_t leave_until_ns_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t most_sent_ = 0;  // of all publishers here

  std::vector<std::uint32_t> free_;  // churn: connections that may come again
  std::uint64_t rounds_started_ = 0;

  Phase retained_phase_ = Phase::connecting;

  std::vector<SharedTracker> unordered_;   // retained: subscriber x publisher
  std::vector<SequenceTracker> trackers_;  // p2p, subscribe: by publisher or subscriber; else subscriber x publisher
  std::vector<SharedTracker> group_;       // shared: by publisher
  std::vector<OrderTracker> orders_;       // shared: subscriber x publisher
  WorkerResult result_;
};

}  // namespace martlet::tools::bench
