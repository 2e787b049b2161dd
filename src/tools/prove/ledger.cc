#include "tools/prove/ledger.h"

namespace martlet::tools::prove {
namespace {

// More messages than a run can make: a greater sequence would only ask for memory.
constexpr std::uint64_t kMostSequence = std::uint64_t{1} << 36;

}  // namespace

void PerQos::add(const PerQos& other) {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
}

bool is_plausible(const MessageId& id, std::uint32_t publishers) {
  return id.publisher < publishers && id.topic < kTopicsPerPublisher && id.sequence < kMostSequence &&
         (id.qos == wire::QoS::at_least_once || id.qos == wire::QoS::exactly_once);
}

std::size_t stream_of(const MessageId& id) {
  const std::size_t topic = std::size_t{id.publisher} * kTopicsPerPublisher + id.topic;
  return topic * 2 + (id.qos == wire::QoS::exactly_once ? 1 : 0);
}

MessageId MessageSet::id_of(std::size_t stream, std::uint64_t sequence) {
  const wire::QoS qos = stream % 2 == 1 ? wire::QoS::exactly_once : wire::QoS::at_least_once;
  const auto topic = static_cast<std::uint32_t>(stream / 2);
  return {topic / kTopicsPerPublisher, topic % kTopicsPerPublisher, qos, sequence};
}

bool MessageSet::insert(const MessageId& id) {
  std::vector<std::uint64_t>& stream = streams_[stream_of(id)];
  const std::size_t at = id.sequence / 64;
  if (at >= stream.size()) stream.resize(at + 1);
  const std::uint64_t bit = std::uint64_t{1} << id.sequence % 64;
  if (stream[at] & bit) return false;
  stream[at] |= bit;
  ++counts_[id.qos];
  return true;
}

bool MessageSet::contains(const MessageId& id) const {
  return word(streams_[stream_of(id)], id.sequence / 64) >> id.sequence % 64 & 1;
}

Ledger::Ledger(std::uint32_t publishers)
    : publishers_(publishers), seen_(publishers), next_(std::size_t{publishers} * kStreamsPerPublisher) {}

Arrival Ledger::take(const std::optional<MessageId>& id, wire::QoS qos) {
  if (!id || !is_plausible(*id, publishers_) || id->qos != qos) {
    ++corrupted_;
    return Arrival::corrupt;
  }
  if (!seen_.insert(*id)) {
    ++duplicated_[id->qos];
    return Arrival::duplicate;
  }
  std::uint64_t& next = next_[stream_of(*id)];
  if (id->sequence < next) {
    ++reordered_;
    return Arrival::reordered;
  }
  next = id->sequence + 1;
  return Arrival::first;
}

}  // namespace martlet::tools::prove
