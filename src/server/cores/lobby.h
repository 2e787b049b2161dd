// Connections whose client is not known yet: their layers are not done, or their client decides on which core they
// live. One core's; its thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/peer_facts.h"
#include "base/time.h"
#include "net/connection_id.h"

namespace martlet::server {

class Lobby {
 public:
  struct Guest {
    std::uint32_t listener = 0;
    std::string peer_address;
    std::shared_ptr<const PeerFacts> peer;  // what its layers told; null: plain TCP, or they are not done
    std::vector<std::uint8_t> bytes;        // that came in parts
    Now accepted;
    bool layered = false;
  };

  // `wait_ms`: nobody stays longer.
  explicit Lobby(std::int64_t wait_ms) : wait_ms_(wait_ms) {}

  void enter(net::ConnectionId id, std::uint32_t listener, std::string_view peer_address, const Now& now);
  Guest* find(net::ConnectionId id);
  // The guest goes on; no longer here.
  Guest leave(net::ConnectionId id);

  // The oldest one that has waited too long by `now`.
  std::optional<net::ConnectionId> overdue(const Now& now);
  DeadlineMs deadline() const { return arrivals_.empty() ? kNever : arrivals_.front().at_ms + wait_ms_; }
  // Any of them; nothing if there is nobody.
  std::optional<net::ConnectionId> anybody() const;
  std::size_t size() const { return guests_.size(); }

 private:
  struct Arrival {
    std::int64_t at_ms;
    net::ConnectionId id;
  };
  static std::uint64_t key(net::ConnectionId id) { return std::uint64_t{id.generation} << 32 | id.slot; }
  void forget_gone();

  const std::int64_t wait_ms_;
  std::unordered_map<std::uint64_t, Guest> guests_;
  std::deque<Arrival> arrivals_;  // gone ones are skipped
};

}  // namespace martlet::server
