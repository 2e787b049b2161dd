#include "tools/prove/publisher_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "env/posix/measure.h"
#include "tools/prove/clients.h"

namespace martlet::tools::prove {
namespace {

constexpr std::int64_t kComeBackMs = 300;
constexpr std::size_t kPacketIds = 65'536;

// Its part of `messages`; all of them together publish that many.
std::uint64_t share_of(const ProveOptions& options, std::uint32_t number) {
  return options.messages / options.publishers + (number < options.messages % options.publishers ? 1 : 0);
}

}  // namespace

PublisherClient::PublisherClient(const ProveOptions& options, std::uint64_t run, std::uint32_t number,
                                 env::Network& network, env::Clock& clock, WriteJournal write)
    : options_(options),
      run_(run),
      number_(number),
      prefix_(topic_prefix(options, run)),
      clock_(clock),
      write_(std::move(write)),
      client_(network, clock, *options.seed + number,
              persistent_client(options, client_id(run, ClientRole::publisher, number)), *this),
      random_(*options.seed ^ (std::uint64_t{number} + 1) << 32),
      most_messages_(share_of(options, number)),
      by_packet_id_(kPacketIds) {
  client_.set_trace(this);
}

void PublisherClient::stop() {
  stop_ = true;
  client_.wake();
}

void PublisherClient::run() {
  client_.start();
  while (!failed_) {
    const bool stopping = stop_;
    const DeadlineMs now_ms = clock_.now().mono_ms;
    if (!stopping || !client_.connected()) progress_ms_ = now_ms;
    if (stopping && (client_.unfinished() == 0 || now_ms > progress_ms_ + options_.drain_ms)) break;
    if (start_again_at_ <= now_ms) {
      start_again_at_ = kNever;
      client_.start();
    }
    DeadlineMs wake_at = stopping ? progress_ms_ + options_.drain_ms + 1 : publish_due();
    client_.turn(std::min(wake_at, start_again_at_));
    write_lines();
  }
  client_.stop();
  while (!client_.finished()) client_.turn();
  write_lines();
  if (!failed_) end_session(options_, client_.options().client_id, clock_);
}

bool PublisherClient::limit_reached(std::uint64_t now_ns) const {
  return (options_.messages != 0 && published_count_ >= most_messages_) ||
         (options_.for_ms && now_ns >= publish_until_ns_);
}

DeadlineMs PublisherClient::publish_due() {
  if (!ready_) return kNever;
  for (;;) {
    const std::uint64_t now_ns = env::posix::monotonic_ns();
    published_all_ = limit_reached(now_ns);
    if (published_all_ || client_.unfinished() >= options_.window) return kNever;
    if (options_.rate_per_s > 0) {
      const std::uint64_t due_ns = pacing_.due_ns(number_, published_count_);
      if (due_ns > now_ns) return static_cast<DeadlineMs>(due_ns / 1'000'000 + 1);
    }
    publish_one();
  }
}

void PublisherClient::publish_one() {
  MessageId id{.publisher = number_, .topic = static_cast<std::uint32_t>(random_.below(kTopicsPerPublisher))};
  const bool twice = options_.qos == QosChoice::two || (options_.qos == QosChoice::mix && random_.below(2) == 1);
  id.qos = twice ? wire::QoS::exactly_once : wire::QoS::at_least_once;
  id.sequence = next_sequence_[stream_of(id) % kStreamsPerPublisher]++;
  const std::string payload = make_payload(run_, id, options_.payload_bytes);
  pending_[client_.publish({.topic = topic_of(prefix_, id), .payload = as_bytes(payload), .qos = id.qos})] = id;
  ++published_count_;
}

void PublisherClient::connected(const wire::Connack& connack) {
  const auto maximum = connack.properties.number_or(wire::PropertyId::maximum_qos, 2);
  if (maximum < static_cast<std::uint32_t>(highest_qos(options_))) {
    return fail(fmt::format("the broker takes QoS {} at most", maximum));
  }
  if (ready_ && !connack.session_present) note({JournalKind::forgotten});
  if (ready_) return;
  const std::uint64_t now_ns = env::posix::monotonic_ns();
  if (options_.rate_per_s > 0) pacing_ = bench::Pacing(options_.rate_per_s, options_.publishers, now_ns);
  publish_until_ns_ = now_ns + static_cast<std::uint64_t>(options_.for_ms.value_or(0)) * 1'000'000;
  ready_ = true;
}

void PublisherClient::refused(const wire::Connack& connack, DeadlineMs retry_at) {
  come_back_later(fmt::format("the broker refused a publisher: {}", wire::reason_text(connack.reason)), retry_at);
}

void PublisherClient::lost(const client::Loss& loss) {
  if (loss.cause == client::LossCause::protocol_breach) note({JournalKind::breach, {}, loss.text});
  come_back_later(fmt::format("a publisher cannot connect: {}", loss.text), loss.retry_at);
}

// A broker that is just starting may say what its clients do not come back for.
void PublisherClient::come_back_later(std::string_view why, DeadlineMs retry_at) {
  if (retry_at != kNever) return;
  if (!ready_) return fail(why);
  start_again_at_ = clock_.now().mono_ms + kComeBackMs;
}

void PublisherClient::published(client::PublishHandle handle, wire::ReasonCode reason) {
  const auto found = pending_.find(handle);
  if (found == pending_.end()) return;
  const MessageId id = found->second;
  pending_.erase(found);
  progress_ms_ = clock_.now().mono_ms;
  // With PUBREC the broker took the message; a PUBCOMP that does not know it takes nothing back [4.3.3].
  const bool owned = received_.erase(id) == 1;
  if (!wire::is_failure(reason) || owned) return note({JournalKind::acknowledged, id});
  const auto answer = id.qos == wire::QoS::exactly_once ? wire::PacketType::pubrec : wire::PacketType::puback;
  note({JournalKind::refused, id, std::string(wire::reason_text(reason, answer))});
}

void PublisherClient::sent(const wire::Packet& packet) {
  const auto* publish = std::get_if<wire::Publish>(&packet);
  if (!publish || publish->packet_id == 0) return;
  if (const auto id = read_payload(run_, publish->payload)) by_packet_id_[publish->packet_id] = *id;
}

void PublisherClient::received(const wire::Packet& packet) {
  const auto* ack = std::get_if<wire::PublishAck>(&packet);
  if (!ack || ack->type != wire::PacketType::pubrec || wire::is_failure(ack->reason)) return;
  const MessageId id = by_packet_id_[ack->packet_id];
  if (received_.insert(id).second) note({JournalKind::received, id});
}

void PublisherClient::fail(std::string_view why) {
  failed_ = true;
  note({JournalKind::error, {}, std::string(why)});
}

void PublisherClient::write_lines() {
  if (lines_.empty()) return;
  write_(lines_);
  lines_.clear();
}

}  // namespace martlet::tools::prove
