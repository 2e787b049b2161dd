// Sending: what is due, what the windows allow, and the bytes of it.
#include <algorithm>
#include <limits>

#include "env/posix/measure.h"
#include "tools/bench/topic_name.h"
#include "tools/bench/worker.h"

namespace martlet::tools::bench {
namespace {

// More than this unsent on a connection: the broker does not keep up, the rest waits in our books.
constexpr std::size_t kMostUnsentBytes = 256 * 1024;
// From here on a payload is written from where it lies instead of being copied.
constexpr std::size_t kDirectBytes = 16 * 1024;
constexpr std::uint64_t kStallNs = 1'000'000'000;

std::uint16_t next_packet_id(const Publisher& publisher) {
  const auto next = static_cast<std::uint16_t>(publisher.last_packet_id + 1);
  return next == 0 ? 1 : next;
}

}  // namespace

void Worker::list_publisher(std::uint32_t local) {
  Publisher& publisher = publishers_[local];
  if (publisher.listed) return;
  publisher.listed = true;
  listed_.push_back(local);
}

void Worker::collect_due(std::uint64_t now_ns) {
  const bool first = !running_started_;
  running_started_ = true;
  if (first) last_traffic_ns_ = now_ns;
  if (publishers_.empty()) return;
  if (!paced()) {
    // Other threads' deliveries are not told to this one, it looks itself.
    if (first || options_.threads > 1) {
      for (std::uint32_t i = 0; i < publishers_.size(); ++i) list_publisher(i);
    }
    return forgive_if_stalled(now_ns);
  }
  if (first) {
    pacing_ = Pacing(options_.rate_per_s, options_.publishers, shared_.start_ns);
    next_due_ns_ = pacing_.due_ns(index_, 0);
  }
  while (next_due_ns_ <= now_ns && next_due_ns_ < shared_.measure_to_ns &&
         due_sequence_ < publishers_[due_publisher_].limit) {
    ++publishers_[due_publisher_].owed;
    ++owed_total_;
    list_publisher(due_publisher_);
    if (++due_publisher_ == publishers_.size()) {
      due_publisher_ = 0;
      ++due_sequence_;
    }
    next_due_ns_ = pacing_.due_ns(due_publisher_ * options_.threads + index_, due_sequence_);
  }
}

void Worker::send_listed() {
  listed_now_.swap(listed_);
  for (const std::uint32_t local : listed_now_) {
    publishers_[local].listed = false;
    send_what_may(local);
  }
  listed_now_.clear();
}

bool Worker::may_send(const Publisher& publisher, const Connection& connection, std::uint32_t number) const {
  if (connection.stage != Stage::connected) return false;
  if (connection.filler_left > 0 || connection.out.size() - connection.out_sent > kMostUnsentBytes) return false;
  const std::uint32_t window = std::min<std::uint32_t>(options_.window, connection.receive_maximum);
  if (options_.qos > 0 && (publisher.in_flight >= window || !publisher.flight.has_place(next_packet_id(publisher)))) {
    return false;
  }
  if (paced()) return publisher.owed > 0;
  if (now_ns_ >= shared_.measure_to_ns || publisher.next_sequence >= publisher.limit) return false;
  if (stored_first()) return true;
  return undelivered(publisher, number) < publisher.forgiven + backlog_;
}

std::uint64_t Worker::undelivered(const Publisher& publisher, std::uint32_t number) const {
  if (!is_for_all(options_)) {
    std::uint64_t delivered = 0;
    for (unsigned thread = 0; thread < options_.threads; ++thread) delivered += shared_.delivered(thread, number);
    return publisher.next_sequence - delivered;
  }
  // One thread may be behind the others: its subscribers must not be owed more for it. Within a thread they take turns.
  std::uint64_t most = 0;
  for (unsigned thread = 0; thread < options_.threads; ++thread) {
    const std::uint64_t subscribers = (options_.subscribers + options_.threads - 1 - thread) / options_.threads;
    if (subscribers == 0) continue;
    const std::uint64_t owed = publisher.next_sequence * subscribers - shared_.delivered(thread, number);
    most = std::max(most, (owed + subscribers - 1) / subscribers);
  }
  return most;
}

void Worker::send_what_may(std::uint32_t local) {
  Publisher& publisher = publishers_[local];
  const Connection& connection = connections_[publisher.connection];
  const std::uint32_t number = local * options_.threads + index_;
  std::uint64_t burst_ns = 0;
  while (may_send(publisher, connection, number)) {
    if (burst_ns == 0 || options_.payload_bytes >= kDirectBytes) burst_ns = env::posix::monotonic_ns();
    const std::uint64_t due_ns = paced() ? pacing_.due_ns(number, publisher.next_sequence) : burst_ns;
    if (paced() && is_measured(due_ns)) result_.late_ns.record(burst_ns - std::min(due_ns, burst_ns));
    send_one(publisher, number, due_ns);
  }
}

std::uint16_t Worker::take_packet_id(Publisher& publisher, std::uint64_t due_ns) {
  if (options_.qos == 0) return 0;
  publisher.last_packet_id = next_packet_id(publisher);
  publisher.flight.sent(publisher.last_packet_id, due_ns);
  ++publisher.in_flight;
  return publisher.last_packet_id;
}

void Worker::send_one(Publisher& publisher, std::uint32_t number, std::uint64_t due_ns) {
  Connection& connection = connections_[publisher.connection];
  const std::uint16_t packet_id = take_packet_id(publisher, due_ns);
  if (paced()) {
    --publisher.owed;
    --owed_total_;
  }
  const std::uint64_t sequence = publisher.next_sequence++;
  ++sent_;
  if (is_measured(due_ns)) ++result_.sent_in_window;

  const bool direct = options_.payload_bytes >= kDirectBytes && !connection.wrapped;
  const std::size_t head_bytes = publisher.head.head_bytes();
  std::uint8_t* to = extend(connection, publisher.connection, direct ? head_bytes : head_bytes + filler_.size());
  publisher.head.write(to, packet_id, {number, sequence, due_ns});
  if (has_many_topics(options_)) {
    write_topic_digits(to + publisher.head.topic_digits_at(kTopicDigits), topic_of(options_, number, sequence));
  }
  if (!direct) {
    copy_bytes(to + head_bytes, filler_);
    return;
  }
  connection.filler_at = connection.out.size();
  connection.filler_left = filler_.size();
  if (!connection.write_blocked) flush_large(connection, publisher.connection);
}

void Worker::forgive_if_stalled(std::uint64_t now_ns) {
  if (stored_first() || now_ns < last_traffic_ns_ + kStallNs || now_ns >= shared_.measure_to_ns) return;
  last_traffic_ns_ = now_ns;
  bool stalled = false;
  for (std::uint32_t local = 0; local < publishers_.size(); ++local) {
    Publisher& publisher = publishers_[local];
    const std::uint32_t number = local * options_.threads + index_;
    const std::uint64_t lost = undelivered(publisher, number);
    if (lost < publisher.forgiven + backlog_) continue;
    publisher.forgiven = lost;
    list_publisher(local);
    stalled = true;
  }
  if (stalled) ++result_.stalls;
}

bool Worker::everything_sent() const {
  if (churning()) {
    return running_started_ && all_rounds_started() && free_.size() + result_.connections_lost == connections_.size();
  }
  if (publishers_.empty()) return true;
  if (running_started_ && sent_ >= most_sent_) return true;
  if (!running_started_ || now_ns_ < shared_.measure_to_ns) return false;
  return !paced() || (owed_total_ == 0 && next_due_ns_ >= shared_.measure_to_ns);
}

}  // namespace martlet::tools::bench
