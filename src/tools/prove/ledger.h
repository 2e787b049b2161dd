// The accounting: which messages were acknowledged, what one subscriber got of them, and what that adds up to. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "tools/prove/options.h"
#include "tools/prove/payload.h"

namespace martlet::tools::prove {

// Counts of QoS 1 and of QoS 2.
struct PerQos {
  std::array<std::uint64_t, 2> counts{};

  std::uint64_t& operator[](wire::QoS qos) { return counts[static_cast<std::size_t>(qos) - 1]; }
  std::uint64_t of(wire::QoS qos) const { return counts[static_cast<std::size_t>(qos) - 1]; }
  std::uint64_t total() const { return counts[0] + counts[1]; }
  void add(const PerQos& other);
  bool operator==(const PerQos&) const = default;
};

// Messages with the same publisher, topic and QoS are a stream: their order is kept [MQTT-4.6.0-6].
inline constexpr std::uint32_t kStreamsPerPublisher = kTopicsPerPublisher * 2;

// False for what no publisher of this run makes.
bool is_plausible(const MessageId& id, std::uint32_t publishers);
std::size_t stream_of(const MessageId& id);

// A bit a message.
class MessageSet {
 public:
  explicit MessageSet(std::uint32_t publishers) : streams_(std::size_t{publishers} * kStreamsPerPublisher) {}

  // False if it is in already. `id` is plausible.
  bool insert(const MessageId& id);
  bool contains(const MessageId& id) const;
  const PerQos& counts() const { return counts_; }

  // Calls visit(const MessageId&) for each that is not in `other`.
  template <class Visit>
  void for_each_not_in(const MessageSet& other, Visit&& visit) const;

 private:
  static MessageId id_of(std::size_t stream, std::uint64_t sequence);
  static std::uint64_t word(const std::vector<std::uint64_t>& stream, std::size_t at) {
    return at < stream.size() ? stream[at] : 0;
  }

  std::vector<std::vector<std::uint64_t>> streams_;
  PerQos counts_;
};

enum class Arrival : std::uint8_t { first, duplicate, reordered, corrupt };

// What one subscriber got.
class Ledger {
 public:
  explicit Ledger(std::uint32_t publishers);

  // A delivery came at `qos`; `id` is nothing if its payload or topic is not as published.
  Arrival take(const std::optional<MessageId>& id, wire::QoS qos);

  const MessageSet& seen() const { return seen_; }
  const PerQos& duplicated() const { return duplicated_; }
  std::uint64_t reordered() const { return reordered_; }  // first deliveries behind a later message of their stream
  std::uint64_t corrupted() const { return corrupted_; }

 private:
  std::uint32_t publishers_;
  MessageSet seen_;
  std::vector<std::uint64_t> next_;  // by stream: one more than the highest sequence seen
  PerQos duplicated_;
  std::uint64_t reordered_ = 0;
  std::uint64_t corrupted_ = 0;
};

// Over all subscribers.
struct Findings {
  PerQos delivered;  // first deliveries
  PerQos lost;       // acknowledged and not delivered
  PerQos duplicated;
  std::uint64_t received_lost = 0;  // QoS 2 with PUBREC but without PUBCOMP, and not delivered
  std::uint64_t reordered = 0;
  std::uint64_t corrupted = 0;

  // At QoS 1 a duplicate is legal [4.3.2].
  bool clean() const {
    return lost.total() == 0 && duplicated.of(wire::QoS::exactly_once) == 0 && reordered == 0 && corrupted == 0;
  }
};

// Adds one subscriber's. Calls lost(const MessageId&) for each message that it lost.
template <class Lost>
void add_findings(Findings& findings, const MessageSet& acknowledged, const MessageSet& received, const Ledger& ledger,
                  Lost&& lost) {
  findings.delivered.add(ledger.seen().counts());
  findings.duplicated.add(ledger.duplicated());
  findings.reordered += ledger.reordered();
  findings.corrupted += ledger.corrupted();
  acknowledged.for_each_not_in(ledger.seen(), [&](const MessageId& id) {
    ++findings.lost[id.qos];
    lost(id);
  });
  received.for_each_not_in(ledger.seen(), [&](const MessageId& id) {
    if (!acknowledged.contains(id)) ++findings.received_lost;
  });
}

template <class Visit>
void MessageSet::for_each_not_in(const MessageSet& other, Visit&& visit) const {
  for (std::size_t stream = 0; stream < streams_.size(); ++stream) {
    for (std::size_t at = 0; at < streams_[stream].size(); ++at) {
      const std::uint64_t missing = streams_[stream][at] & ~word(other.streams_[stream], at);
      for (unsigned bit = 0; missing >> bit != 0; ++bit) {
        if (missing >> bit & 1) visit(id_of(stream, at * 64 + bit));
        if (bit == 63) break;
      }
    }
  }
}

}  // namespace martlet::tools::prove
