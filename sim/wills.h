// The wills of a run: when each may come, must come, and must not.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "sim/oracle.h"

namespace martlet::sim {

class Wills {
 public:
  explicit Wills(Oracle& oracle) : oracle_(oracle) {}

  struct Sent {
    std::optional<MessageId> message;
    std::int64_t delay_ms = 0;  // after which it is due at the latest
    bool persistent = false;
    bool races = false;  // with an earlier CONNECT of the client, which may arrive later
  };
  // A CONNECT with a will, or without one, is sent.
  void connect_sent(std::size_t client, const Sent& sent);
  void connected(std::size_t client, bool session_present);
  // The connection ended without a DISCONNECT that takes the will with it: one of both sides knows.
  void connection_over(std::size_t client);
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
  // When the broker ended a connection, at the earliest, whose side it had not closed in its turn before: it may have
  // been sending its last words.
  Moment earliest_end() const;
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
    bool races = false;
    bool armed = false;             // CONNACK came: the broker has the will
    bool replaced = false;          // a later CONNECT was sent
    bool not_durable = false;       // it was discarded without anybody having been told that this is durable
    std::int64_t came_ms = kNever;  // while it was live, as far as one can see from outside
    Moment over;
    std::int64_t noticed_ms = kNever;
  };
  Entry* current(std::size_t client);
  void replace(Entry& entry);
  void end(Entry& entry);

  Oracle& oracle_;
  std::vector<Entry> entries_;
  std::deque<Moment> turns_;  // of the broker: its last one, and those that were at most its last words before
};

}  // namespace martlet::sim
