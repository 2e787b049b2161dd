#include "server/admission/admission.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/printable.h"

namespace martlet::server {
namespace {

constexpr std::uint32_t kMostDoublings = 20;
// What bans, for people.
constexpr const char* kFailures = "abuse.failures_before_ban";
constexpr const char* kFlapping = "abuse.flapping_connects";

std::string without_port(std::string_view peer_address) {
  const auto address = address_of_peer(peer_address);
  return address ? to_text(*address) : std::string(peer_address);
}

// Takes a token of those that come `per_second`, of which there are at most `most`.
bool take_token(AdmissionRecord& record, double per_second, double most, const Now& now) {
  if (record.tokens_at_ms == 0) record.tokens = most;
  const auto waited_ms = static_cast<double>(now.mono_ms - record.tokens_at_ms);
  record.tokens = std::min(most, record.tokens + waited_ms * per_second / 1000.0);
  record.tokens_at_ms = now.mono_ms;
  if (record.tokens < 1.0) return false;
  record.tokens -= 1.0;
  return true;
}

// One more event, in a window that may begin with it.
void count_event(AdmissionRecord& record, std::int64_t window_ms, const AbuseOptions& options, const Now& now) {
  if (record.events == 0 || now.mono_ms - record.events_since_ms >= window_ms) {
    record.events = 0;
    record.events_since_ms = now.mono_ms;
    // Behaved since the last ban ended: the next one is a first one.
    if (now.mono_ms - record.banned_until_ms > options.ban_time_max_ms) record.bans = 0;
  }
  ++record.events;
  record.matters_until_ms = std::max(record.matters_until_ms, record.events_since_ms + window_ms);
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
    case Entry::crowded:
      return "too many addresses with wrong passwords at once: others come in slowly";
    case Entry::admitted:
      break;
  }
  return "";
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
  Shard& shard = addresses(key);
  const std::lock_guard lock(shard.mutex);
  if (!shard.table.find(key) && shard.table.crowded(now) &&
      !take_token(shard.strangers, kStrangersPerSecond, kStrangersAtOnce, now)) {
    return Entry::crowded;
  }
  AdmissionRecord& record = shard.table.touch(key);
  Entry entry = Entry::admitted;
  if (record.banned(now)) {
    entry = Entry::banned;
  } else if (limits.max_connections_per_address != 0 && record.connections >= limits.max_connections_per_address) {
    entry = Entry::too_many;
  } else if (limits.connections_per_address != 0 &&
             !take_token(record, limits.connections_per_address, std::max<double>(limits.connection_burst, 1.0), now)) {
    entry = Entry::rate;
  } else {
    ++record.connections;
  }
  shard.table.settle(record, now);
  return entry;
}

void Admission::leave(AddressKey key, const Now& now) {
  if (key == 0) return;
  Shard& shard = addresses(key);
  const std::lock_guard lock(shard.mutex);
  AdmissionRecord* record = shard.table.find(key);
  if (!record || record->connections == 0) return;
  --record->connections;
  shard.table.settle(*record, now);
}

// ---- who it is

std::int64_t Admission::ban(AdmissionRecord& record, const AbuseOptions& options, const Now& now) {
  const std::int64_t doubled = options.ban_time_ms << std::min(record.bans, kMostDoublings);
  const std::int64_t ban_ms = std::min(doubled, std::max(options.ban_time_ms, options.ban_time_max_ms));
  record.banned_until_ms = now.mono_ms + ban_ms;
  ++record.bans;
  record.events = 0;
  record.matters_until_ms = record.banned_until_ms + options.ban_time_max_ms;
  return ban_ms;
}

void Admission::log_ban(const broker::LogSubject& whom, std::int64_t ban_ms, std::uint32_t events,
                        std::int64_t window_ms) const {
  if (!log_ || !log_->wants(broker::LogLevel::warning)) return;
  const bool is_client = !whom.client.empty();
  const std::string name =
      is_client ? fmt::format("client \"{}\"", printable(whom.client)) : fmt::format("address {}", whom.address);
  const char* why = is_client ? kFlapping : kFailures;
  const std::string seconds = std::to_string(ban_ms / 1'000);
  const broker::LogField more[] = {
      {"reason", why}, {"banned", is_client ? whom.client : whom.address}, {"seconds", seconds}};
  broker::LogSubject subject = whom;
  subject.more = more;
  log_->write(broker::LogLevel::warning,
              fmt::format("{} is banned for {} s: {} {} in {} s ({})", name, seconds, events,
                          is_client ? "connections" : "wrong passwords", window_ms / 1'000, why),
              subject);
}

wire::ReasonCode Admission::admit(const broker::ConnectFacts& facts, const Now& now) {
  const AddressKey address = key_of(facts.peer_address);
  if (address == 0) return wire::ReasonCode::success;
  {
    Shard& shard = addresses(address);
    const std::lock_guard lock(shard.mutex);
    const AdmissionRecord* record = shard.table.find(address);
    if (record && record->banned(now)) return wire::ReasonCode::banned;
  }
  const AbuseOptions limits = options();
  if (limits.flapping_connects == 0 || facts.client_id.empty()) return wire::ReasonCode::success;
  const std::uint64_t client = hash_bytes(facts.client_id, seed_) | 1;
  std::int64_t ban_ms = 0;
  {
    Shard& shard = clients(client);
    const std::lock_guard lock(shard.mutex);
    AdmissionRecord* record = shard.table.find(client);
    if (!record) return wire::ReasonCode::success;
    if (record->banned(now)) return wire::ReasonCode::banned;
    const bool in_window = now.mono_ms - record->events_since_ms < limits.flapping_window_ms;
    if (!in_window || record->events < limits.flapping_connects) return wire::ReasonCode::success;
    ban_ms = ban(*record, limits, now);
    record->who = facts.client_id;
    record->why = kFlapping;
    shard.table.settle(*record, now);
  }
  const broker::LogSubject whom{facts.client_id, facts.peer_address, {}, facts.listener};
  log_ban(whom, ban_ms, limits.flapping_connects + 1, limits.flapping_window_ms);
  return wire::ReasonCode::banned;
}

// Counted only now: else anybody could have another's client identifier banned.
void Admission::identified(const broker::ConnectFacts& facts, const Now& now) {
  const AbuseOptions limits = options();
  if (limits.flapping_connects == 0 || facts.client_id.empty() || key_of(facts.peer_address) == 0) return;
  const std::uint64_t client = hash_bytes(facts.client_id, seed_) | 1;
  Shard& shard = clients(client);
  const std::lock_guard lock(shard.mutex);
  AdmissionRecord& record = shard.table.touch(client);
  count_event(record, limits.flapping_window_ms, limits, now);
  shard.table.settle(record, now);
}

std::optional<broker::Doorkeeper::Check> Admission::begin_check(std::string_view peer_address, const Now& now) {
  const AddressKey key = key_of(peer_address);
  if (key == 0) return key;
  const std::uint32_t most = options().max_checks_per_address;
  Shard& shard = addresses(key);
  const std::lock_guard lock(shard.mutex);
  AdmissionRecord& record = shard.table.touch(key);
  const bool room = most == 0 || record.checks < most;
  if (room) ++record.checks;
  shard.table.settle(record, now);
  return room ? std::optional<Check>(key) : std::nullopt;
}

void Admission::checked(Check check, std::string_view peer_address, CheckEnd end, const Now& now) {
  if (check == 0) return;
  const AbuseOptions limits = options();
  const std::uint32_t most = limits.failures_before_ban;
  std::int64_t ban_ms = 0;
  {
    Shard& shard = addresses(check);
    const std::lock_guard lock(shard.mutex);
    AdmissionRecord* record = shard.table.find(check);
    if (!record || record->checks == 0) return;
    --record->checks;
    // A right password among wrong ones proves nothing about the others: the window just goes on. What was under way
    // when the ban came is part of its reason.
    if (end == CheckEnd::refused && most != 0 && !record->banned(now)) {
      count_event(*record, limits.failure_window_ms, limits, now);
      if (record->events >= most) {
        ban_ms = ban(*record, limits, now);
        record->who = without_port(peer_address);
        record->why = kFailures;
      }
    }
    shard.table.settle(*record, now);
  }
  if (ban_ms == 0) return;
  const std::string address = without_port(peer_address);
  log_ban({{}, address, {}, {}}, ban_ms, most, limits.failure_window_ms);
}

// ---- for people

std::vector<Ban> Admission::bans(const Now& now) const {
  std::vector<Ban> found;
  const auto add = [&](const Shards& shards, bool is_client) {
    for (const Shard& shard : shards) {
      const std::lock_guard lock(shard.mutex);
      shard.table.each_suspect([&](const AdmissionRecord& record) {
        if (!record.banned(now)) return;
        found.push_back({record.who, is_client, record.banned_until_ms - now.mono_ms, record.why});
      });
    }
  };
  add(addresses_, false);
  add(clients_, true);
  return found;
}

bool Admission::lift(std::string_view who, const Now& now) {
  bool lifted = false;
  const auto search = [&](Shards& shards) {
    for (Shard& shard : shards) {
      const std::lock_guard lock(shard.mutex);
      shard.table.each_suspect([&](AdmissionRecord& record) {
        if (record.who != who || !record.banned(now)) return;
        record.banned_until_ms = 0;
        record.bans = 0;
        lifted = true;
      });
    }
  };
  search(addresses_);
  search(clients_);
  return lifted;
}

std::size_t Admission::remembered() const {
  std::size_t count = 0;
  for (const Shards* shards : {&addresses_, &clients_}) {
    for (const Shard& shard : *shards) {
      const std::lock_guard lock(shard.mutex);
      count += shard.table.size();
    }
  }
  return count;
}

}  // namespace martlet::server
