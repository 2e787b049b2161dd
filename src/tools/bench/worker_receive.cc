// Receiving: bytes to packets, acknowledgements back, every message into the books.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/printable.h"
#include "env/posix/measure.h"
#include "tools/bench/topic_name.h"
#include "tools/bench/worker.h"
#include "wire/decode.h"

namespace martlet::tools::bench {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;
// A PUBLISH from this size on is followed without being kept: its stamp is all that matters.
constexpr std::size_t kSkipFromBytes = 4096;

std::string disconnect_text(ByteView body) {
  if (body.empty()) return "the broker sent DISCONNECT";
  return fmt::format("the broker sent DISCONNECT: {}",
                     wire::reason_text(static_cast<wire::ReasonCode>(body[0]), wire::PacketType::disconnect));
}

}  // namespace

void Worker::read_from(Connection& connection, std::uint32_t index) {
  // What was kept stands right before what comes.
  const std::size_t kept = connection.wrapped ? 0 : connection.held.size();
  std::uint8_t* begin = read_buffer_.data();
  if (kept > 0) copy_bytes(begin, connection.held);
  const env::IoOutcome outcome = network_.read(connection.handle, std::span(begin + kept, kReadBytes));
  if (outcome.status == env::IoStatus::would_block) return;
  if (outcome.status != env::IoStatus::ok && connection.stage == Stage::leaving) return left(connection);
  if (outcome.status != env::IoStatus::ok) {
    return fail_connection(connection, connection.stage == Stage::greeting
                                           ? "the broker closed a connection before CONNACK"
                                           : "the broker closed a connection");
  }
  now_ns_ = env::posix::monotonic_ns();
  last_traffic_ns_ = now_ns_;
  ByteView bytes(begin, kept + outcome.bytes);
  if (connection.wrapped) {
    if (!unwrap(connection, index, bytes)) return;
    bytes = unwrapped_;
  }
  connection.held.clear();
  if (!take_packets(connection, index, bytes)) {
    fail_connection(connection, "the broker sent a packet that cannot be understood");
  }
}

bool Worker::unwrap(Connection& connection, std::uint32_t index, ByteView bytes) {
  Wrapped& wrapped = *connection.wrapped;
  unwrapped_.assign(connection.held.begin(), connection.held.end());
  if (!wrapped.filter->receive(bytes, unwrapped_, wrapped.out)) {
    fail_connection(connection, wrapped.filter->error());
    return false;
  }
  // The handshake goes on, or it is done and CONNECT waits.
  if (!wrapped.out.empty() || !connection.out.empty()) mark_dirty(connection, index);
  return true;
}

bool Worker::take_packets(Connection& connection, std::uint32_t index, ByteView bytes) {
  if (connection.skip_bytes > 0) {
    const std::size_t skipped = std::min(connection.skip_bytes, bytes.size());
    connection.skip_bytes -= skipped;
    bytes = bytes.subspan(skipped);
    if (connection.skip_bytes == 0) take_publish(connection, index, connection.pending, connection.pending_expected);
  }
  while (!bytes.empty()) {
    PacketHeader header;
    const HeaderStatus status = read_header(bytes, header);
    if (status == HeaderStatus::malformed) return false;
    const std::size_t total = header.header_bytes + header.body_bytes;
    if (status == HeaderStatus::complete && bytes.size() >= total) {
      if (!take_packet(connection, index, header, bytes.subspan(header.header_bytes, header.body_bytes))) return false;
      if (connection.stage >= Stage::away) return true;
      bytes = bytes.subspan(total);
      continue;
    }
    const bool large = status == HeaderStatus::complete && header.body_bytes >= kSkipFromBytes &&
                       header.type() == wire::PacketType::publish;
    if (large && read_publish(header, bytes.subspan(header.header_bytes), options_.version, connection.pending) ==
                     PublishStatus::complete) {
      connection.skip_bytes = total - bytes.size();
      connection.pending_expected = is_expected(connection, connection.pending);
      connection.pending.topic = {};
      return true;
    }
    // The room in front of the next read is limited; nothing that a bench receives comes near to it.
    if (bytes.size() > read_buffer_.size() - kReadBytes) return false;
    connection.held.assign(bytes.begin(), bytes.end());
    return true;
  }
  return true;
}

bool Worker::take_packet(Connection& connection, std::uint32_t index, const PacketHeader& header, ByteView body) {
  switch (header.type()) {
    case wire::PacketType::publish: {
      ReceivedPublish publish;
      if (read_publish(header, body, options_.version, publish) != PublishStatus::complete) {
        note_foreign("without a stamp", publish);
        return true;
      }
      take_publish(connection, index, publish, is_expected(connection, publish));
      return true;
    }
    case wire::PacketType::puback:
    case wire::PacketType::pubrec:
    case wire::PacketType::pubrel:
    case wire::PacketType::pubcomp:
      return take_ack(connection, index, header.type(), body);
    case wire::PacketType::connack:
      if (connection.stage != Stage::greeting) return false;
      greeted(connection, index, body);
      return true;
    case wire::PacketType::suback:
      if (connection.role != Role::subscriber) return false;
      subscribed(connection, index, body);
      return true;
    case wire::PacketType::pingresp:
      return true;
    case wire::PacketType::disconnect:
      fail_connection(connection, disconnect_text(body));
      return true;
    default:
      return false;
  }
}

std::string_view Worker::fault_of(const Connection& connection, const ReceivedPublish& publish) const {
  const Stamp& stamp = publish.stamp;
  const auto number = topic_number(publish.topic, options_.topic_prefix, has_many_topics(options_));
  if (connection.role != Role::subscriber) return "at a connection that did not subscribe";
  if (stamp.publisher >= options_.publishers) return "from no publisher of this run";
  if (publish.payload_bytes != options_.payload_bytes) return "with another length";
  if (number != topic_of(options_, stamp.publisher, stamp.sequence)) return "with another topic";
  if (publish.qos != std::min(options_.qos, options_.subscribe_qos)) return "with another QoS";
  if (publish.retain != (options_.scenario == Scenario::retained)) return "with another RETAIN flag";
  const bool own = options_.scenario == Scenario::p2p || options_.own_topics;
  if (own && number != connection.role_index) return "to another subscriber";
  return {};
}

void Worker::note_foreign(std::string_view fault, const ReceivedPublish& publish) {
  ++result_.faults.foreign;
  if (!result_.first_fault.empty()) return;
  result_.first_fault =
      fmt::format("message {} of publisher {} came {} (topic \"{}\", QoS {}, {} bytes)", publish.stamp.sequence,
                  publish.stamp.publisher, fault, printable(publish.topic), publish.qos, publish.payload_bytes);
}

bool Worker::is_expected(const Connection& connection, const ReceivedPublish& publish) {
  const std::string_view fault = fault_of(connection, publish);
  if (fault.empty()) return true;
  note_foreign(fault, publish);
  return false;
}

void Worker::take_publish(Connection& connection, std::uint32_t index, const ReceivedPublish& publish, bool expected) {
  if (publish.qos == 1) {
    write_ack(extend(connection, index, kAckBytes), wire::PacketType::puback, publish.packet_id);
  } else if (publish.qos == 2) {
    write_ack(extend(connection, index, kAckBytes), wire::PacketType::pubrec, publish.packet_id);
  }
  if (!expected || !account(connection, publish)) return;
  const std::uint64_t due_ns = publish.stamp.due_ns;
  ++received_;
  if (stored_first()) return;
  if (is_measured(now_ns_)) ++result_.received_in_window;
  if (is_measured(due_ns)) result_.latency_ns.record(now_ns_ - std::min(due_ns, now_ns_));
  if (paced()) return;
  shared_.add_delivered(index_, publish.stamp.publisher);
  if (is_local(publish.stamp.publisher)) list_publisher(publish.stamp.publisher / options_.threads);
}

bool Worker::account(const Connection& connection, const ReceivedPublish& publish) {
  const Stamp& stamp = publish.stamp;
  const std::uint32_t subscriber = connection.role_index / options_.threads;
  if (options_.scenario == Scenario::p2p) return trackers_[subscriber].note(stamp.sequence, result_.faults);
  const std::size_t cell = std::size_t{subscriber} * options_.publishers + stamp.publisher;
  if (!unordered_.empty()) return unordered_[cell].note(stamp.sequence, result_.faults);
  if (group_.empty()) return trackers_[cell].note(stamp.sequence, result_.faults);
  // Order is promised per topic and member only.
  if (!orders_.empty()) orders_[cell].note(stamp.sequence, result_.faults);
  return group_[stamp.publisher].note(stamp.sequence, result_.faults);
}

bool Worker::take_ack(Connection& connection, std::uint32_t index, wire::PacketType type, ByteView body) {
  std::uint16_t packet_id = 0;
  std::uint8_t reason = 0;
  if (!read_ack(body, packet_id, reason)) return false;
  if (type == wire::PacketType::pubrel) {
    write_ack(extend(connection, index, kAckBytes), wire::PacketType::pubcomp, packet_id);
    return true;
  }
  if (connection.role != Role::publisher) return false;
  if (type == wire::PacketType::pubrec && reason < 0x80) {
    write_ack(extend(connection, index, kAckBytes), wire::PacketType::pubrel, packet_id);
    return true;
  }
  message_done(connection, packet_id, reason);
  return true;
}

void Worker::message_done(Connection& connection, std::uint16_t packet_id, std::uint8_t reason) {
  const std::uint32_t local = connection.role_index / options_.threads;
  Publisher& publisher = publishers_[local];
  const std::optional<std::uint64_t> due_ns = publisher.flight.done(packet_id);
  if (!due_ns) return fail_connection(connection, "the broker acknowledged a message that is not in flight");
  --publisher.in_flight;
  if (reason >= 0x80) ++result_.refused;
  ++acknowledged_;
  list_publisher(local);
  if (shared_.phase.load(std::memory_order_relaxed) == Phase::cleaning) return;
  if (is_measured(now_ns_)) ++result_.acknowledged_in_window;
  if (!is_measured(*due_ns)) return;
  (stored_first() ? result_.latency_ns : result_.ack_ns).record(now_ns_ - std::min(*due_ns, now_ns_));
}

}  // namespace martlet::tools::bench
