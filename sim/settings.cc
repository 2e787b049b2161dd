#include "sim/settings.h"

#include <initializer_list>

namespace martlet::sim {
namespace {

template <class T>
T one_of(Random& random, std::initializer_list<T> choices) {
  return choices.begin()[random.below(choices.size())];
}

bool chance(Random& random, std::uint32_t percent) {
  return random.below(100) < percent;
}

ClientSettings client_of(Random& random) {
  ClientSettings client;
  client.version =
      one_of(random, {wire::ProtocolVersion::v5_0, wire::ProtocolVersion::v5_0, wire::ProtocolVersion::v3_1_1});
  client.expiry_s = chance(random, 70) ? one_of(random, {3'000u, 100'000u, 20u}) : 0;
  client.may_share = client.expiry_s > 1'000 && chance(random, 60);
  client.keep_alive_s = one_of<std::uint16_t>(random, {0, 0, 0, 5});
  if (client.v5()) {
    client.receive_maximum = one_of<std::uint16_t>(random, {0, 1, 3, 20});
    client.topic_alias_maximum = one_of<std::uint16_t>(random, {0, 2, 10});
  }
  return client;
}

// Its sessions end while they hold what shared subscriptions gave them, and others are there to take it.
void share_much(Random& random, ClientSettings& client) {
  client.version = wire::ProtocolVersion::v5_0;
  client.expiry_s = 100'000;
  client.may_share = client.shares_much = true;
  client.receive_maximum = one_of<std::uint16_t>(random, {1, 3, 20});
}

}  // namespace

Settings::Settings(Random& random) {
  session::EndpointOptions& endpoint = broker.endpoint;
  endpoint.max_in_flight = one_of<std::uint16_t>(random, {1, 3, 20, 100});
  endpoint.receive_maximum = one_of<std::uint16_t>(random, {10, 1000});
  endpoint.alias_out_maximum = one_of<std::uint16_t>(random, {0, 2, 32});
  endpoint.outbox_high_bytes = one_of(random, {1u << 20, 1u << 20, 2'000u, 300u});
  short_queues = chance(random, 10);
  if (short_queues) {
    endpoint.queue.max_messages = 4;
    endpoint.queue.max_owed_messages = 4;
    if (chance(random, 50)) endpoint.queue.policy = session::DropPolicy::drop_oldest;
  }
  broker.slow_reader_timeout_ms = one_of(random, {30'000u, 2'000u});
  broker.queue_qos0_offline = chance(random, 30);
  if (chance(random, 10)) {
    short_queues = true;
    broker.log.max_age_s = one_of(random, {0u, 5u, 30u});
    broker.log.max_bytes = one_of<std::uint64_t>(random, {1'000, 5'000, 20'000});
  }
  // So few that what a session leaves is under way while other things happen.
  broker.hand_over_step = one_of<std::size_t>(random, {1, 1, 3, 1'000});
  if (chance(random, 20)) broker.overlap = broker::OverlapDelivery::separate;
  broker.shared_strategy = static_cast<broker::SharedStrategy>(random.below(6));
  broker.sys_interval_s = 0;
  broker.log.recent_bytes = one_of<std::uint64_t>(random, {0, 1'000, 64u << 20});
  broker.random_seed = random.next();
  if (broker.random_seed % 2 == 0) broker.fan_out_part = 1;

  read_buffer_bytes = one_of<std::size_t>(random, {50, 1'000, 16'000});
  events_per_turn = one_of<std::size_t>(random, {1, 3, 64});
  socket_bytes = one_of<std::size_t>(random, {300, 2'000, 60'000});
  largest_piece_bytes = one_of<std::size_t>(random, {20, 400, 4'000, 60'000});
  max_group_bytes = one_of<std::size_t>(random, {1, 1, 8u << 20});
  const bool synced_late = chance(random, 10);
  if (synced_late) broker.durability.level = Durability::interval;

  if (!synced_late && chance(random, 25)) {
    broker.durability.rules = {{"b/#", Durability::interval}, {"c", Durability::memory}};
  }

  chances.cut = one_of(random, {0u, 2u, 6u, 20u});
  chances.commit = one_of(random, {30u, 110u, 110u, 300u});
  chances.restart = one_of(random, {0u, 1u, 1u, 6u});
  chances.kill = one_of(random, {0u, 1u, 4u, 8u});
  // What is only written is lost then: nothing is promised.
  chances.power_cut = synced_late ? 0 : one_of(random, {0u, 1u, 4u, 8u});
  most_cores = one_of(random, {1u, 1u, 2u, 3u});
  const std::uint64_t count = 2 + random.below(kMostClients - 1);
  const bool sharing = chance(random, 25);
  for (std::uint64_t i = 0; i < count; ++i) {
    clients.push_back(client_of(random));
    if (sharing && chance(random, 80)) share_much(random, clients.back());
  }
}

}  // namespace martlet::sim
