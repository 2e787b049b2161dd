// Retained messages: stored by the publishers, fetched by subscribers that come later, removed in the end.
#include <algorithm>

#include "tools/bench/worker.h"

namespace martlet::tools::bench {

void Worker::run_retained_phase(Phase phase, std::uint64_t now_ns) {
  const bool entered = phase != retained_phase_;
  retained_phase_ = phase;
  if (phase == Phase::collecting) {
    for (std::uint32_t i = 0; entered && i < connections_.size(); ++i) {
      if (connections_[i].role == Role::subscriber) subscribe_more(connections_[i], i);
    }
    if (subscribers_done_ == local_subscribers_) progress.phases_over.store(5, std::memory_order_release);
    return;
  }
  // The subscribers, those of all threads, go before the removal, or they would hear of it.
  if (phase == Phase::leaving) {
    if (entered) leave(now_ns);
    if (all_left(now_ns)) progress.phases_over.store(6, std::memory_order_release);
    return;
  }
  for (std::uint32_t local = 0; local < publishers_.size(); ++local) {
    clear_some(publishers_[local], local * options_.threads + index_);
  }
  if (all_cleared()) progress.phases_over.store(7, std::memory_order_release);
}

void Worker::clear_some(Publisher& publisher, std::uint32_t number) {
  Connection& connection = connections_[publisher.connection];
  const std::uint32_t window = std::min<std::uint32_t>(options_.window, connection.receive_maximum);
  while (connection.stage == Stage::connected && publisher.cleared < publisher.next_sequence &&
         publisher.in_flight < window) {
    const std::string topic = topic_text(topic_of(options_, number, publisher.cleared));
    wire::Publish removal;  // no payload [MQTT-3.3.1-6]
    removal.topic = topic;
    removal.qos = static_cast<wire::QoS>(options_.qos);
    removal.retain = true;
    removal.packet_id = take_packet_id(publisher, now_ns_);
    append(connection, publisher.connection, removal);
    ++publisher.cleared;
  }
}

bool Worker::all_cleared() const {
  return std::ranges::all_of(publishers_, [](const Publisher& publisher) {
    return publisher.cleared == publisher.next_sequence && publisher.in_flight == 0;
  });
}

}  // namespace martlet::tools::bench
