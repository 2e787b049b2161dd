#include "server/admission/admission.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "base/hash.h"
#include "base/printable.h"

namespace martlet::server {
namespace {

// In each shard of each table.
constexpr std::size_t kMostRecords = 16'384;
// Looked at for one that may be forgotten when there is no room.
constexpr std::size_t kLookedAt = 8;
constexpr std::uint32_t kMostDoublings = 20;

std::string without_port(std::string_view peer_address) {
  const auto address = address_of_peer(peer_address);
  return address ? to_text(*address) : std::string(peer_address);
}

}  // namespace

const char* entry_rule(Entry entry) {
  switch (entry) {
    case Entry::rate:
      return "abuse.connections_per_address";
    case Entry::too_many:
      return "abuse.max_connections_per_address";
    case Entry::banned:
      return "the address is banned";
    case Entry::admitted:
      break;
  }
  return "";
}

// ---- what is remembered

Admission::Record* Admission::Table::find(std::uint64_t key) {
  const auto at = by_key_.find(key);
  return at == by_key_.end() ? nullptr : &*at->second;
}

Admission::Record* Admission::Table::touch(std::uint64_t key, const Now& now) {
  const auto matters = [&](const Record& record) {
    return record.connections != 0 || record.banned_until_ms > now.mono_ms;
  };
  if (const auto at = by_key_.find(key); at != by_key_.end()) {
    records_.splice(records_.begin(), records_, at->second);
    return &records_.front();
  }
  if (records_.size() >= kMostRecords) {
    auto oldest = records_.end();
    for (std::size_t i = 0; i < kLookedAt; ++i) {
      --oldest;
      if (!matters(*oldest)) break;
    }
    if (matters(*oldest)) {
      // Others are looked at next time.
      records_.splice(records_.begin(), records_, oldest, records_.end());
      return nullptr;
    }
    by_key_.erase(oldest->key);
    records_.erase(oldest);
  }
  records_.push_front({});
  records_.front().key = key;
  by_key_.emplace(key, records_.begin());
  return &records_.front();
}

// ---- options

Admission::Admission(const AbuseOptions& options, std::uint64_t seed, broker::Log* log) : seed_(seed), log_(log) {
  apply(options);
}

void Admission::apply(const AbuseOptions& options) {
  const std::lock_guard lock(options_mutex_);
  options_ = options;
  exempt_.clear();
  for (const std::string& text : options.exempt) {
    // Checked with the rest of the configuration.
    if (const auto range = parse_network_range(text)) exempt_.push_back(*range);
  }
}

AbuseOptions Admission::options() const {
  const std::lock_guard lock(options_mutex_);
  AbuseOptions numbers = options_;
  numbers.exempt.clear();
  return numbers;
}

AddressKey Admission::key_of(std::string_view peer_address) const {
  const auto address = address_of_peer(peer_address);
  if (!address) return 0;
  {
    const std::lock_guard lock(options_mutex_);
    const bool exempt = std::any_of(exempt_.begin(), exempt_.end(),
                                    [&](const NetworkRange& range) { return range.contains(*address); });
    if (exempt) return 0;
  }
  constexpr std::size_t kNetworkBytes = 8;
  const std::size_t size = address->is_v4() ? address->bytes.size() : kNetworkBytes;
  const std::string_view bytes(reinterpret_cast<const char*>(address->bytes.data()), size);
  return hash_bytes(bytes, seed_) | 1;
}

// ---- connections

Entry Admission::enter(AddressKey key, const Now& now) {
  if (key == 0) return Entry::admitted;
  const AbuseOptions limits = options();
  Table& table = addresses(key);
  const std::lock_guard lock(table.mutex);
  Record* record = table.touch(key, now);
  if (!record) return Entry::admitted;
  if (record->banned_until_ms > now.mono_ms) return Entry::banned;
  if (limits.max_connections_per_address != 0 && record->connections >= limits.max_connections_per_address) {
    return Entry::too_many;
  }
  if (limits.connections_per_address != 0) {
    const double burst = std::max<double>(limits.connection_burst, 1.0);
    if (record->tokens_at_ms == 0) record->tokens = burst;
    const auto waited_ms = static_cast<double>(now.mono_ms - record->tokens_at_ms);
    record->tokens = std::min(burst, record->tokens + waited_ms * limits.connections_per_address / 1000.0);
    record->tokens_at_ms = now.mono_ms;
    if (record->tokens < 1.0) return Entry::rate;
    record->tokens -= 1.0;
  }
  ++record->connections;
  return Entry::admitted;
}

void Admission::leave(AddressKey key) {
  if (key == 0) return;
  Table& table = addresses(key);
  const std::lock_guard lock(table.mutex);
  Record* record = table.find(key);
  if (record && record->connections > 0) --record->connections;
}

// ---- clients

bool Admission::count_event(Record& record, std::uint32_t most, std::int64_t window_ms, const AbuseOptions& options,
                            const Now& now) const {
  if (record.events == 0 || now.mono_ms - record.events_since_ms >= window_ms) {
    record.events = 0;
    record.events_since_ms = now.mono_ms;
    // Behaved since the last ban ended: the next one is a first one.
    if (now.mono_ms - record.banned_until_ms > options.ban_time_max_ms) record.bans = 0;
  }
  if (++record.events < most) return false;
  const std::int64_t doubled = options.ban_time_ms << std::min(record.bans, kMostDoublings);
  record.banned_until_ms = now.mono_ms + std::min(doubled, std::max(options.ban_time_ms, options.ban_time_max_ms));
  ++record.bans;
  record.events = 0;
  return true;
}

wire::ReasonCode Admission::admit(const broker::ConnectFacts& facts, const Now& now) {
  const AbuseOptions limits = options();
  const AddressKey address = key_of(facts.peer_address);
  if (address == 0) return wire::ReasonCode::success;
  {
    Table& table = addresses(address);
    const std::lock_guard lock(table.mutex);
    const Record* record = table.find(address);
    if (record && record->banned_until_ms > now.mono_ms) return wire::ReasonCode::banned;
  }
  if (limits.flapping_connects == 0 || facts.client_id.empty()) return wire::ReasonCode::success;
  const std::uint64_t client = hash_bytes(facts.client_id, seed_) | 1;
  Table& table = clients(client);
  const std::lock_guard lock(table.mutex);
  Record* record = table.touch(client, now);
  if (!record) return wire::ReasonCode::success;
  if (record->banned_until_ms > now.mono_ms) return wire::ReasonCode::banned;
  if (!count_event(*record, limits.flapping_connects + 1, limits.flapping_window_ms, limits, now)) {
    return wire::ReasonCode::success;
  }
  ban(*record, true, "abuse.flapping_connects", facts, now);
  return wire::ReasonCode::banned;
}

void Admission::authenticated(const broker::ConnectFacts& facts, bool allowed, const Now& now) {
  const AddressKey key = key_of(facts.peer_address);
  if (key == 0) return;
  const AbuseOptions limits = options();
  if (limits.failures_before_ban == 0) return;
  Table& table = addresses(key);
  const std::lock_guard lock(table.mutex);
  Record* record = allowed ? table.find(key) : table.touch(key, now);
  // A right password among wrong ones proves nothing about the others: the window just goes on.
  if (!record || allowed) return;
  if (!count_event(*record, limits.failures_before_ban, limits.failure_window_ms, limits, now)) return;
  ban(*record, false, "abuse.failures_before_ban", facts, now);
}

void Admission::ban(Record& record, bool is_client, const char* why, const broker::ConnectFacts& facts,
                    const Now& now) {
  record.who = is_client ? std::string(facts.client_id) : without_port(facts.peer_address);
  record.why = why;
  if (log_ == nullptr || !log_->wants(broker::LogLevel::warning)) return;
  const std::string seconds = std::to_string((record.banned_until_ms - now.mono_ms + 999) / 1000);
  const broker::LogField more[] = {{"reason", why}, {"banned", record.who}, {"seconds", seconds}};
  const std::string_view user = facts.username.value_or("");
  log_->write(
      broker::LogLevel::warning,
      fmt::format("{} \"{}\" is banned for {} s: {}; its last try: client \"{}\"{} at {}",
                  is_client ? "client" : "address", printable(record.who), seconds, why, printable(facts.client_id),
                  user.empty() ? " (anonymous)" : fmt::format(" (user \"{}\")", printable(user)), facts.peer_address),
      {facts.client_id, facts.peer_address, user, facts.listener, more});
}

// ---- for people

std::vector<Ban> Admission::bans(const Now& now) const {
  std::vector<Ban> found;
  const auto add = [&](const std::array<Table, kShards>& tables, bool is_client) {
    for (const Table& table : tables) {
      const std::lock_guard lock(table.mutex);
      for (const Record& record : table.records()) {
        if (record.banned_until_ms <= now.mono_ms) continue;
        found.push_back({record.who, is_client, record.banned_until_ms - now.mono_ms, record.why});
      }
    }
  };
  add(addresses_, false);
  add(clients_, true);
  return found;
}

bool Admission::lift(std::string_view who, const Now& now) {
  bool lifted = false;
  const auto search = [&](std::array<Table, kShards>& tables) {
    for (Table& table : tables) {
      const std::lock_guard lock(table.mutex);
      for (Record& record : table.records()) {
        if (record.who != who || record.banned_until_ms <= now.mono_ms) continue;
        record.banned_until_ms = 0;
        record.bans = 0;
        lifted = true;
      }
    }
  };
  search(addresses_);
  search(clients_);
  return lifted;
}

}  // namespace martlet::server
