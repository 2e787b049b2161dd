// What one run is like: the broker's options, the machine, the clients. All of it comes from the seed.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "broker/options.h"
#include "wire/types.h"

namespace martlet::sim {

inline constexpr std::size_t kMostClients = 8;  // one more looks at the retained messages at the end

struct ClientSettings {
  wire::ProtocolVersion version = wire::ProtocolVersion::v5_0;
  std::uint32_t expiry_s = 0;  // 0: its sessions end with their connections
  std::uint16_t receive_maximum = 0;
  std::uint16_t topic_alias_maximum = 0;
  std::uint16_t keep_alive_s = 0;
  bool may_share = false;    // takes part in shared subscriptions
  bool shares_much = false;  // has few others, is given more than it takes, and often starts anew

  bool persistent() const { return expiry_s != 0; }
  bool v5() const { return version == wire::ProtocolVersion::v5_0; }
};

// Of each step, as parts of their sum.
struct Chances {
  std::uint32_t carry = 380;
  std::uint32_t act = 240;
  std::uint32_t turn = 180;
  std::uint32_t commit = 110;
  std::uint32_t time = 60;
  std::uint32_t cut = 12;
  std::uint32_t disk_trouble = 2;
  std::uint32_t kill = 2;
  std::uint32_t power_cut = 2;
  std::uint32_t restart = 1;

  std::uint32_t sum() const {
    return carry + act + turn + commit + time + cut + disk_trouble + kill + power_cut + restart;
  }
};

struct Settings {
  explicit Settings(Random& random);

  broker::BrokerOptions broker;
  std::uint32_t most_cores = 1;  // each life of the process has some number of them
  std::size_t read_buffer_bytes = 1024;
  std::size_t events_per_turn = 64;
  std::size_t socket_bytes = 4096;
  std::size_t largest_piece_bytes = 64;
  std::size_t max_group_bytes = 1;
  Chances chances;
  std::vector<ClientSettings> clients;
  // Queues, or the log, are short enough to overflow: what was cut is counted, not followed.
  bool short_queues = false;
};

}  // namespace martlet::sim
