// One MQTT connection of the generator.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "env/network.h"
#include "tools/bench/byte_filter.h"
#include "tools/bench/flight.h"
#include "tools/bench/publish_codec.h"

namespace martlet::tools::bench {

enum class Stage : std::uint8_t {
  waiting,     // not started
  connecting,  // TCP
  greeting,    // CONNECT sent
  connected,   // CONNACK came
  leaving,     // DISCONNECT sent, not closed yet
  away,        // closed on purpose
  lost,
};

enum class Role : std::uint8_t { publisher, subscriber, idle };

// What a connection with TLS or WebSocket has besides: `out` of the connection waits until the filter is ready and
// what it made before is gone.
struct Wrapped {
  std::unique_ptr<ByteFilter> filter;
  ByteBuffer out;
  std::size_t out_sent = 0;
};

struct Connection {
  env::Handle handle = env::Handle::none;
  Stage stage = Stage::waiting;
  Role role = Role::idle;
  bool dirty = false;
  bool write_blocked = false;
  std::uint32_t role_index = 0;            // which publisher or subscriber
  std::uint64_t connect_started_ns = 0;    // when the attempt was due
  std::uint16_t receive_maximum = 65'535;  // the broker's

  std::vector<std::uint8_t> out;
  std::size_t out_sent = 0;  // bytes of `out` that are gone
  // A large payload stands among `out`'s bytes without being copied: behind its first `filler_at` the last
  // `filler_left` bytes of the worker's filler.
  std::size_t filler_at = 0;
  std::size_t filler_left = 0;
  std::unique_ptr<Wrapped> wrapped;  // plain TCP: none

  std::vector<std::uint8_t> held;  // the start of a packet whose rest has not come
  std::size_t skip_bytes = 0;      // payload of `pending` that is still to come
  ReceivedPublish pending;         // without its topic
  bool pending_expected = false;   // it is one that was sent here

  // Subscriber: filters asked for and acknowledged.
  std::uint32_t filters_sent = 0;
  std::uint32_t filters_done = 0;
};

struct Publisher {
  PublishTemplate head;
  std::uint32_t connection = 0;     // index in its worker
  std::uint64_t next_sequence = 0;  // also: how many were sent
  std::uint64_t limit = 0;          // how many it sends at most
  std::uint64_t owed = 0;           // paced: due and not yet sent
  std::uint64_t cleared = 0;        // retained: how many are removed again
  std::uint64_t forgiven = 0;       // messages given up on, so that a loss does not stop a flat-out run
  std::uint32_t in_flight = 0;      // unacknowledged
  Flight flight;                    // which
  std::uint16_t last_packet_id = 0;
  bool listed = false;  // in the worker's list of those that may be able to send
};

}  // namespace martlet::tools::bench
