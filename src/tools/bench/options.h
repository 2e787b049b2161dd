// What one run of the bench does. Filled by arguments.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "env/endpoint.h"
#include "tools/bench/tls_filter.h"
#include "wire/types.h"

namespace martlet::tools::bench {

enum class Scenario : std::uint8_t {
  p2p,        // publisher i to subscriber i
  fan_out,    // every publisher to every subscriber, exact topics
  fan_in,     // many publishers to few subscribers, by wildcard or by a shared subscription
  connect,    // connections and their handshakes only
  churn,      // clients that come, subscribe and go, all the time
  subscribe,  // many subscriptions, then publishes among them
  offline,    // publishes to persistent sessions that are away, which drain them afterwards
  retained,   // many topics with a retained message each, then subscribers that want them all
};

struct BenchOptions {
  std::string name = "p2p";  // as the user chose it
  Scenario scenario = Scenario::p2p;
  env::Endpoint broker{"127.0.0.1", 1883};
  wire::ProtocolVersion version = wire::ProtocolVersion::v5_0;
  std::string username;  // empty: none
  std::string password;
  TlsOptions tls;
  bool websocket = false;
  std::string websocket_path = "/mqtt";
  std::string topic_prefix;  // empty: one of this run's own

  std::uint32_t publishers = 500;
  std::uint32_t subscribers = 500;
  std::uint32_t connections = 1000;       // connect: how many; churn: at once
  std::uint32_t subscriptions = 100'000;  // subscribe: distinct filters, spread over the subscribers
  std::uint32_t filters_per_packet = 100;
  bool shared = false;         // fan_in: one shared subscription for all subscribers
  bool own_topics = false;     // offline: each message is owed to one subscriber in turn, not to all
  bool collect = true;         // offline: the subscribers come back for what they are owed
  std::uint64_t messages = 0;  // offline, retained: of all publishers; 0: as many as the duration holds

  std::uint8_t qos = 0;
  std::uint8_t subscribe_qos = 0;
  std::size_t payload_bytes = 64;
  double rate_per_s = 0;      // messages of all publishers (connect, churn: connections); 0: flat out
  std::uint32_t window = 20;  // unacknowledged messages per publisher at QoS 1 and 2
  std::uint32_t backlog = 0;  // flat out: sent and not yet delivered messages per publisher; 0: a default

  double warmup_s = 1;
  double duration_s = 10;
  double drain_s = 5;  // gives up this long after the last delivery
  std::uint32_t threads = 1;
  std::uint32_t connects_in_flight = 200;
  std::uint16_t keep_alive_s = 60;

  std::int32_t pid = 0;  // the broker's process; 0: not watched
  bool json = false;
  bool progress = false;
  bool quiet = false;
  bool allow_loss = false;
};

// How many of options.messages publisher `publisher` sends; without that limit, any number.
std::uint64_t messages_of(const BenchOptions& options, std::uint32_t publisher);
// offline with own topics: who is owed message `sequence` of `publisher`.
std::uint32_t owed_subscriber(const BenchOptions& options, std::uint32_t publisher, std::uint64_t sequence);
// A scenario whose messages are stored first and fetched afterwards.
inline bool is_stored_first(const BenchOptions& options) {
  return options.scenario == Scenario::offline || options.scenario == Scenario::retained;
}
// A scenario without messages.
inline bool is_silent(const BenchOptions& options) {
  return options.scenario == Scenario::connect || options.scenario == Scenario::churn;
}
// Which topic message `sequence` of `publisher` goes to, PREFIX/NUMBER.
std::uint64_t topic_of(const BenchOptions& options, std::uint32_t publisher, std::uint64_t sequence);
// True if a publisher's messages go to several topics, whose numbers are padded.
inline bool has_many_topics(const BenchOptions& options) {
  return options.scenario == Scenario::subscribe || options.scenario == Scenario::retained || options.own_topics;
}
// True if every subscriber gets every message.
bool is_for_all(const BenchOptions& options);
// Deliveries that one message owes.
std::uint64_t deliveries_per_message(const BenchOptions& options);
// The limit that holds for `backlog`: by default at most 100 messages and about 2 MiB of payload wait per publisher,
// and in a fan-in 5,000 messages per subscriber.
std::uint32_t effective_backlog(const BenchOptions& options);
// Publishers and subscribers, or connections, of the scenario.
std::uint32_t total_connections(const BenchOptions& options);

}  // namespace martlet::tools::bench
