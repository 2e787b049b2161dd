// The one place where the fate of messages and connections is recorded: a counter for each reason, and the latest
// verdicts in two rings, so that a stream of successes does not push out the reasons of the rest. Everything that
// explains the broker afterwards reads this.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace martlet::broker {

enum class VerdictReason : std::uint8_t {
  // what became of a message for one receiver
  delivered,
  acknowledged,
  queued,
  expired,
  queue_full,
  too_large,
  offline,
  refused_by_receiver,
  session_ended,
  handed_over,
  log_limit,
  log_damaged,
  // what became of a publication or a request
  no_subscriber,
  denied,
  invalid_topic,
  invalid_filter,
  quota_exceeded,
  retained_full,
  // why a connection was refused or ended
  disconnected,
  connect_refused,
  too_many_connections,
  connect_rate,
  malformed_packet,
  protocol_error,
  limit_exceeded,
  keep_alive_timeout,
  taken_over,
  slow_reader,
  network_error,
  shutting_down,
};
inline constexpr std::size_t kVerdictReasons = static_cast<std::size_t>(VerdictReason::shutting_down) + 1;

// In snake case, as metrics and logs spell it.
const char* verdict_name(VerdictReason reason);

struct Verdict {
  VerdictReason reason;
  std::string_view client;  // client identifier, or the address if there is none yet
  std::string_view topic;   // topic name or filter; may be empty
  std::string_view rule;    // the clause, option or limit that decided; lives for ever
  std::uint32_t count = 1;  // of messages with the same fate, where nobody looks at each
};

class Verdicts {
 public:
  // Keeps the last `capacity` verdicts that somebody may ask about, and the last `successes` of delivered, acknowledged
  // and queued messages (few, so that they stay in the fastest cache); both powers of two. Texts are cut to what an
  // entry holds.
  explicit Verdicts(std::size_t capacity = 8192, std::size_t successes = 64);

  // Takes no memory and does not fail.
  void record(const Verdict& verdict, const Now& now);

  std::uint64_t count(VerdictReason reason) const { return counts_[static_cast<std::size_t>(reason)]; }
  std::uint64_t recorded() const { return recorded_; }

  // The verdicts that are kept, in the order of recording, one line each, below a line for each reason that was
  // counted.
  std::string dump() const;

 private:
  struct Entry {
    std::uint64_t sequence;
    std::int64_t wall_ms;
    std::string_view rule;
    std::uint32_t count;
    VerdictReason reason;
    std::uint8_t client_size;
    std::uint8_t topic_size;
    std::array<char, 37> client;
    std::array<char, 52> topic;
  };
  static_assert(sizeof(Entry) == 128, "an entry fills two cache lines");

  // Of `size` entries the last ones written; a power of two.
  struct Ring {
    explicit Ring(std::size_t size) : entries(size) {}
    Entry& next() { return entries[written++ & (entries.size() - 1)]; }
    std::vector<Entry> entries;
    std::uint64_t written = 0;
  };
  static void append_line(std::string& text, const Entry& entry);

  Ring troubles_;
  Ring successes_;
  std::uint64_t recorded_ = 0;
  std::array<std::uint64_t, kVerdictReasons> counts_{};
};

}  // namespace martlet::broker
