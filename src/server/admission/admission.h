// Who may come in, whatever the transport: connections of one address, wrong passwords, clients that come and go all
// the time. One for all cores; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/network_range.h"
#include "base/time.h"
#include "broker/ports.h"
#include "server/admission/address_key.h"
#include "server/admission/options.h"

namespace martlet::server {

enum class Entry : std::uint8_t { admitted, rate, too_many, banned };
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
  // `seed`: of the hash by which addresses are kept. `log`, which outlives this, is told of each ban; null: nobody is.
  Admission(const AbuseOptions& options, std::uint64_t seed, broker::Log* log = nullptr);

  // From now on these hold; what was counted stays.
  void apply(const AbuseOptions& options);

  // Of "192.0.2.1:50123" or "[2001:db8::1]:50123".
  AddressKey key_of(std::string_view peer_address) const;
  // A connection was accepted, before any TLS or password work. One that is admitted is counted until leave().
  Entry enter(AddressKey key, const Now& now);
  void leave(AddressKey key);

  // broker::Doorkeeper
  wire::ReasonCode admit(const broker::ConnectFacts& facts, const Now& now) override;
  void authenticated(const broker::ConnectFacts& facts, bool allowed, const Now& now) override;

  std::vector<Ban> bans(const Now& now) const;
  // Ends the ban of an address or a client; false if there is none.
  bool lift(std::string_view who, const Now& now);

 private:
  // What is remembered of an address or a client identifier.
  struct Record {
    std::uint64_t key = 0;
    double tokens = 0;  // connections that may come now
    std::int64_t tokens_at_ms = 0;
    std::uint32_t connections = 0;
    std::uint32_t events = 0;          // wrong passwords, or CONNECTs, ...
    std::int64_t events_since_ms = 0;  // ... in the window that began then
    std::int64_t banned_until_ms = 0;
    std::uint32_t bans = 0;  // in a row: each lasts twice as long
    std::string who;         // once banned
    std::string why;
  };
  // Bounded: of the ones that nothing depends on the least recently used makes room. Without such a one nothing new is
  // remembered.
  class Table {
   public:
    mutable std::mutex mutex;
    // The record, made if missing; null if there is no room.
    Record* touch(std::uint64_t key, const Now& now);
    Record* find(std::uint64_t key);
    std::list<Record>& records() { return records_; }
    const std::list<Record>& records() const { return records_; }

   private:
    std::list<Record> records_;  // the least recently used last
    std::unordered_map<std::uint64_t, std::list<Record>::iterator> by_key_;
  };
  static constexpr std::size_t kShards = 16;

  Table& addresses(std::uint64_t key) { return addresses_[key % kShards]; }
  Table& clients(std::uint64_t key) { return clients_[key % kShards]; }
  // Counts an event; true if `most` in `window_ms` are passed now, and the record is banned.
  bool count_event(Record& record, std::uint32_t most, std::int64_t window_ms, const AbuseOptions& options,
                   const Now& now) const;
  AbuseOptions options() const;
  // `record` has just been banned, for what `facts` tell last.
  void ban(Record& record, bool is_client, const char* why, const broker::ConnectFacts& facts, const Now& now);

  mutable std::mutex options_mutex_;
  AbuseOptions options_;
  std::vector<NetworkRange> exempt_;
  const std::uint64_t seed_;
  broker::Log* const log_;
  std::array<Table, kShards> addresses_;
  std::array<Table, kShards> clients_;
};

}  // namespace martlet::server
