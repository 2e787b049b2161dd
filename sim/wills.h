// The wills of a run: when each may come, must come, and must not.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/oracle.h"

namespace martlet::sim {

class Wills {
 public:
  explicit Wills(Oracle& oracle) : oracle_(oracle) {}

  // A CONNECT with the will `message`, or without one, is sent. `delay_ms`: after which it is due at the latest.
  void connect_sent(std::size_t client, std::optional<MessageId> message, std::int64_t delay_ms, bool persistent);
  void connected(std::size_t client, bool session_present);
  // The connection ended at `over_ms` without a DISCONNECT that takes the will with it: one of both sides knows.
  void connection_over(std::size_t client, std::int64_t over_ms);
  // The broker knows it.
  void noticed(std::size_t client);
  // DISCONNECT is sent; then, that the broker has surely read it.
  void goodbye_sent(std::size_t client);
  void goodbye_taken(std::size_t client);
  // All that the broker has handed to its disk is durable.
  void committed();
  // The broker's process died.
  void crashed();
  void restarted();

  // The will came to somebody.
  void received(MessageId message);
  // After a turn of the broker.
  void check_live();
  // At the end: those that must have come, did.
  void check_published();

 private:
  enum class Phase : std::uint8_t {
    live,       // its connection is up
    goodbye,    // DISCONNECT is on its way: it may come or not
    over,       // it must come once the delay is over
    may_come,   // nobody can tell
    discarded,  // it must not come any more
  };
  struct Entry {
    MessageId message = 0;
    std::size_t client = 0;
    std::int64_t delay_ms = 0;
    Phase phase = Phase::live;
    bool persistent = false;
    bool armed = false;             // CONNACK came: the broker has the will
    bool replaced = false;          // a later CONNECT was sent
    bool not_durable = false;       // it was discarded without anybody having been told that this is durable
    std::int64_t came_ms = kNever;  // while it was live, as far as one can see from outside
    std::int64_t over_ms = 0;
    std::int64_t noticed_ms = kNever;
    Step over_step = 0;
  };
  Entry* current(std::size_t client);
  void replace(Entry& entry);

  Oracle& oracle_;
  std::vector<Entry> entries_;
  std::int64_t turned_ms_ = 0;  // when the broker had its last turn
};

}  // namespace martlet::sim
