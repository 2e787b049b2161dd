#include "broker/commons.h"

#include <algorithm>

namespace martlet::broker {
namespace {

void add(const Counters& from, Counters& to) {
  to.connections_accepted += from.connections_accepted;
  to.connects_received += from.connects_received;
  to.clients_connected += from.clients_connected;
  to.clients_maximum = std::max(to.clients_maximum, from.clients_maximum);  // each counts the clients of all
  to.sessions_expired += from.sessions_expired;
  to.packets_received += from.packets_received;
  to.packets_sent += from.packets_sent;
  to.bytes_received += from.bytes_received;
  to.publish_received += from.publish_received;
  to.publish_sent += from.publish_sent;
  to.publish_dropped += from.publish_dropped;
  to.publish_bytes_received += from.publish_bytes_received;
  to.publish_bytes_sent += from.publish_bytes_sent;
}

}  // namespace

Commons::Commons(const BrokerOptions& options, std::uint64_t seed, std::uint32_t cores)
    : cores_(cores),
      retained_(options, seed),
      groups_(options.shared_strategy, cores, seed + 1),
      clients_of_(std::max<std::size_t>(options.listeners.size(), 1)),
      figures_(cores) {
  if (cores == 1) return;
  interest_.emplace(seed + 2, cores);
  durable_interest_.emplace(seed + 2, cores);
}

void Commons::report(std::uint32_t core, const SysFigures& figures) {
  const std::lock_guard lock(figures_lock_);
  figures_[core] = figures;
}

void Commons::add_others(std::uint32_t core, SysFigures& to) const {
  const std::lock_guard lock(figures_lock_);
  for (std::uint32_t other = 0; other < cores_; ++other) {
    if (other == core) continue;
    if (!figures_[other]) continue;
    const SysFigures& from = *figures_[other];
    add(from.counters, to.counters);
    to.sessions += from.sessions;
    to.subscriptions += from.subscriptions;
    to.bytes_sent += from.bytes_sent;
    if (!from.queues) to.queues.reset();  // a sum without them would be too small
    if (!to.queues) continue;
    to.queues->waiting_messages += from.queues->waiting_messages;
    to.queues->waiting_bytes += from.queues->waiting_bytes;
    to.queues->in_flight += from.queues->in_flight;
  }
}

}  // namespace martlet::broker
