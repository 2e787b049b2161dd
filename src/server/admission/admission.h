// Who may come in, whatever the transport: connections of one address, wrong passwords, clients that come and go all
// the time. One for all cores; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/network_range.h"
#include "base/time.h"
#include "broker/ports.h"
#include "server/admission/address_key.h"
#include "server/admission/options.h"
#include "server/admission/record_table.h"

namespace martlet::server {

enum class Entry : std::uint8_t { admitted, rate, too_many, banned, crowded };
// For logs: the option that decided.
const char* entry_rule(Entry entry);

struct Ban {
  std::string who;  // address or client identifier
  bool is_client = false;
  std::int64_t left_ms = 0;
  std::string why;
};

class Admission final : public broker::Doorkeeper {
 public:
  // `seed`: of the hash by which addresses are kept. `log`, for a line about each ban, outlives it; null: no lines.
  Admission(const AbuseOptions& options, std::uint64_t seed, broker::Log* log = nullptr);

  // From now on these hold; what was counted stays.
  void apply(const AbuseOptions& options);

  // Of "192.0.2.1:50123" or "[2001:db8::1]:50123".
  AddressKey key_of(std::string_view peer_address) const;
  // A connection was accepted, before any TLS or password work. One that is admitted is counted until leave().
  Entry enter(AddressKey key, const Now& now);
  void leave(AddressKey key, const Now& now);

  // broker::Doorkeeper
  wire::ReasonCode admit(const broker::ConnectFacts& facts, const Now& now) override;
  std::optional<Check> begin_check(std::string_view peer_address, const Now& now) override;
  void checked(Check check, std::string_view peer_address, CheckEnd end, const Now& now) override;
  void identified(const broker::ConnectFacts& facts, const Now& now) override;

  std::vector<Ban> bans(const Now& now) const;
  // Ends the ban of an address or a client; false if there is none.
  bool lift(std::string_view who, const Now& now);

  // How many addresses and clients are remembered.
  std::size_t remembered() const;

  static constexpr std::size_t kShards = 16;
  // When what is remembered of addresses with wrong passwords fills a shard, addresses of which nothing is remembered
  // share this there: so many connections a second, and besides so many at once. An attacker with that many addresses
  // cannot push out what he did before faster than it is forgotten anyway.
  static constexpr double kStrangersPerSecond = 16;
  static constexpr double kStrangersAtOnce = 64;

 private:
  struct Shard {
    mutable std::mutex mutex;
    RecordTable table;
    AdmissionRecord strangers;  // the tokens that they share
  };
  using Shards = std::array<Shard, kShards>;

  Shard& addresses(std::uint64_t key) { return addresses_[key / 2 % kShards]; }
  Shard& clients(std::uint64_t key) { return clients_[key / 2 % kShards]; }
  // For how long the record is banned now.
  static std::int64_t ban(AdmissionRecord& record, const AbuseOptions& options, const Now& now);
  // `whom`: with a client, or an address without its port.
  void log_ban(const broker::LogSubject& whom, std::int64_t ban_ms, std::uint32_t events, std::int64_t window_ms) const;
  AbuseOptions options() const;

  mutable std::mutex options_mutex_;
  AbuseOptions options_;
  std::vector<NetworkRange> exempt_;
  const std::uint64_t seed_;
  broker::Log* const log_;
  Shards addresses_;
  Shards clients_;
};

}  // namespace martlet::server
