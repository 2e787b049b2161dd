#include "server/durable/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "broker/home_core.h"
#include "server/durable/clean_stop.h"
#include "server/durable/durable_records.h"
#include "server/durable/place.h"
#include "server/durable/record_codec.h"

namespace martlet::server {

using store::Position;
using store::Table;

namespace {

constexpr std::string_view kClientSeed = "client_seed";
constexpr std::size_t kScanBytes = 4u << 20;
constexpr std::uint64_t kProgressRecords = 100'000;

struct OutgoingExchange {
  std::uint16_t packet_id;
  broker::ExchangeState state;
};
struct DeliveryName {
  std::uint64_t key = 0;  // of the session
  Position position = 0;
  bool operator==(const DeliveryName&) const = default;
};
struct DeliveryNameHash {
  std::size_t operator()(const DeliveryName& name) const { return mix(name.key ^ mix(name.position)); }
  static std::size_t mix(std::uint64_t value) {
    value *= 0x9E37'79B9'7F4A'7C15;
    return value ^ value >> 32;
  }
};

class Recovery {
 public:
  Recovery(store::Store& store, std::span<broker::Broker* const> brokers, const RecoveryOptions& options,
           broker::Log& log, const Now& now)
      : store_(store), brokers_(brokers), options_(options), log_(log), now_(now) {}

  Result<Recovered> run() {
    for (const auto step : {&Recovery::sessions, &Recovery::subscriptions, &Recovery::exchanges, &Recovery::retained,
                            &Recovery::wills, &Recovery::cut_flights, &Recovery::notes, &Recovery::log_records}) {
      if (auto done = (this->*step)(); !done) return tl::unexpected(done.error());
    }
    for (auto& [key, positions] : handed_over_) {
      std::sort(positions.begin(), positions.end());
      if (const Home* home = home_of(key)) recovered_.deliveries -= home->broker->restore_handed_over(key, positions);
    }
    // Before any core submits: notes of a clean stop end with the first change.
    store_.writer().submit();
    if (auto forwarded = forward_again(); !forwarded) return tl::unexpected(forwarded.error());
    for (broker::Broker* broker : brokers_) {
      broker->restore_last_key(last_key_);
      broker->restored(now_);
    }
    return recovered_;
  }

 private:
  // Of a session.
  struct Home {
    broker::Broker* broker;
    Position cursor;
  };

  // Remnants have no client to be near to.
  broker::Broker& broker_of(const broker::RestoredSession& session) const {
    return session.client_id.empty() ? *brokers_[session.key % brokers_.size()] : broker_of(session.client_id);
  }

  broker::Broker& broker_of(std::string_view client_id) const {
    const std::uint64_t hash = broker::client_hash(client_id, options_.client_seed);
    return *brokers_[broker::home_core(hash, static_cast<std::uint32_t>(brokers_.size()))];
  }

  // Null for a session that is not there.
  const Home* home_of(std::uint64_t key) const {
    const auto at = homes_.find(key);
    return at == homes_.end() ? nullptr : &at->second;
  }

  // Damage ends the start, unless it is to be skipped.
  Result<void> damaged(const std::string& what) {
    if (!options_.skip_damaged) {
      return fail(fmt::format("{}. To start without it: --set store.skip_damaged=true", what));
    }
    log_.write(broker::LogLevel::warning, fmt::format("{}: left out", what));
    return {};
  }

  template <class Visit>
  Result<void> each(Table table, Visit&& visit) {
    Result<void> outcome;
    const auto scanned = store_.reader().scan(table, {}, [&](ByteView key, ByteView value) {
      if (visit(key, value)) return true;
      outcome = damaged(fmt::format("the store's {} {}", place_of(table, key), why_unknown(table, value)));
      return outcome.has_value();
    });
    if (!scanned) return damaged(scanned.error().message);
    return outcome;
  }

  // A cursor may be above all records: in positions that a core had taken and not used yet. What the session is owed
  // from now on has to be above its cursor.
  Result<void> sessions() {
    Position highest = 0;
    auto done = each(Table::sessions, [&](ByteView key, ByteView value) {
      const auto session = decode_session(ByteReader(key).number64(), value);
      if (!session) return false;
      broker::Broker& broker = broker_of(*session);
      homes_.emplace(session->key, Home{&broker, session->cursor});
      highest = std::max({highest, session->cursor, session->maybe_sent_below});
      last_key_ = std::max(last_key_, session->key);
      broker.restore(*session);
      if (!session->client_id.empty()) ++recovered_.sessions;
      return true;
    });
    store_.skip_to(highest);
    return done;
  }

  // Pairs of sessions that ended are left over from the last turns of a process; they go now.
  bool orphan(Table table, ByteView key) {
    if (home_of(ByteReader(key).number64())) return false;
    store_.writer().erase(table, key);
    return true;
  }

  Result<void> subscriptions() {
    return each(Table::subscriptions, [&](ByteView key, ByteView value) {
      if (orphan(Table::subscriptions, key)) return true;
      const auto subscription = decode_subscription(key, value);
      if (subscription) home_of(subscription->key)->broker->restore(*subscription, now_);
      return subscription.has_value();
    });
  }

  Result<void> exchanges() {
    return each(Table::exchanges, [&](ByteView key, ByteView value) {
      if (orphan(Table::exchanges, key)) return true;
      ByteReader name(key);
      const std::uint64_t session = name.number64();
      const std::uint8_t mark = name.number8();
      if (mark == kIncomingMark) {
        home_of(session)->broker->restore(broker::RestoredExchange{session, name.number16()});
        return name.ok();
      }
      const Position position = name.number64();
      ByteReader from(value);
      const std::uint16_t packet_id = from.number16();
      const auto state = static_cast<broker::ExchangeState>(from.number8());
      exchanges_[DeliveryName{session, position}] = {packet_id, state};
      return mark == kOutgoingMark && name.ok() && from.ok() && state < broker::ExchangeState::forgotten;
    });
  }

  Result<void> retained() {
    return each(Table::retained, [&](ByteView topic, ByteView value) {
      ByteReader from(value);
      if (from.number8() != kRecordLayout) return false;
      const session::MessageRef message = decode_message(from, now_);
      if (!message || !from.empty()) return false;
      if (message->expired(now_)) {
        store_.writer().erase_shared(Table::retained, topic);
      } else {
        brokers_[0]->restore_retained(message);
        ++recovered_.retained;
      }
      return true;
    });
  }

  Result<void> wills() {
    return each(Table::wills, [&](ByteView client_id, ByteView value) {
      auto will = decode_will(value, now_);
      if (!will) return false;
      broker_of(as_text(client_id)).restore_will(std::string(as_text(client_id)), std::move(*will));
      return true;
    });
  }

  // QoS 2 messages under way whose records a limit of the log has cut: the content is gone, the identifier is not. Its
  // receiver waits for the PUBREL, and would take another message under this identifier for the old one.
  Result<void> cut_flights() {
    std::vector<std::pair<DeliveryName, std::uint16_t>> flights;
    for (const auto& [name, exchange] : exchanges_) {
      const bool unfinished = exchange.state != broker::ExchangeState::finished;
      if (unfinished && was_cut(name.position) && name.position >= home_of(name.key)->cursor) {
        flights.emplace_back(name, exchange.packet_id);
      }
    }
    std::sort(flights.begin(), flights.end(),
              [](const auto& a, const auto& b) { return a.first.position < b.first.position; });
    for (const auto& [name, packet_id] : flights) {
      session::MessageFacts facts;
      facts.qos = wire::QoS::exactly_once;
      broker::RestoredFlight flight;
      flight.key = name.key;
      flight.delivery.position = name.position;
      flight.delivery.qos = facts.qos;
      flight.delivery.message = session::MessageRef::make({}, {}, {}, facts);
      flight.packet_id = packet_id;
      flight.received = true;
      home_of(name.key)->broker->restore(std::move(flight));
    }
    return {};
  }

  bool was_cut(Position position) const { return position < store_.reader().first(); }

  // A clean stop noted what is owed to whom.
  Result<void> notes() {
    Result<void> outcome;
    std::uint64_t cut = 0;
    const auto stop = take_clean_stop(store_, [&](const broker::RestoredDelivery& owed) {
      if (was_cut(owed.logged.position)) {
        ++cut;  // it was under way then
        return;
      }
      const Home* home = home_of(owed.key);
      if (!home) return;
      const auto exchange = exchanges_.find({owed.key, owed.logged.position});
      if (exchange == exchanges_.end() || owed.logged.qos != wire::QoS::exactly_once) {
        home->broker->restore(owed);
      } else if (outcome) {
        outcome = in_flight(owed, exchange->second);
      }
    });
    if (!stop) return damaged(stop.error().message);
    noted_ = stop->found;
    recovered_.deliveries += stop->deliveries - cut;
    return outcome;
  }

  Result<void> in_flight(const broker::RestoredDelivery& owed, const OutgoingExchange& exchange) {
    std::string bytes;
    const auto found = store_.reader().read(owed.logged.position, bytes);
    const bool sound = found && *found && record_.begin(as_bytes(bytes));
    if (!sound) return damaged(found ? unknown_record(owed.logged.position, as_bytes(bytes)) : found.error().message);
    while (record_.next(owed_)) {
      if (owed_.session_key == owed.key) give_in_flight(owed.logged.position, exchange);
    }
    return {};
  }

  static std::string unknown_record(Position position, ByteView bytes) {
    return fmt::format("the store's {} {}", place_of(position), why_unknown(bytes));
  }

  Result<void> log_records() {
    if (noted_) return {};
    // From its beginning: what is owed to a core is below the cursors of sessions that are owed nothing.
    Position at = store_.reader().first();
    const Position begin = at;
    while (at < store_.reader().end()) {
      Result<void> outcome;
      const store::ScanOutcome scanned = store_.reader().scan(at, kScanBytes, [&](Position position, ByteView record) {
        if (++recovered_.log_records % kProgressRecords == 0 && options_.progress) {
          options_.progress(position + 1 - begin, store_.reader().end() - begin);
        }
        if (take(position, record)) return true;
        outcome = damaged(unknown_record(position, record));
        return outcome.has_value();
      });
      if (!outcome) return outcome;
      at = scanned.next;
      if (!scanned.error) continue;
      if (auto skipped = damaged(scanned.error->message); !skipped) return skipped;
      ++at;
    }
    return {};
  }

  bool take(Position position, ByteView bytes) {
    if (!record_.begin(bytes)) return false;
    if (record_.kind == LogKind::handed_over) handed_over_[record_.from_key].push_back(record_.position);
    while (record_.next(owed_)) give(position);
    return record_.sound();
  }

  // owed_ at `position`, unless that is over.
  void give(Position position) {
    const std::uint64_t key = owed_.session_key;
    if (broker::is_core_key(key)) return forwarded_[{position, key}].emplace_back(owed_.share), void();
    const Home* home = home_of(key);
    if (!home || position < home->cursor) return;
    const auto exchange = exchanges_.find({key, position});
    if (exchange != exchanges_.end() && owed_.qos == wire::QoS::exactly_once) {
      if (exchange->second.state == broker::ExchangeState::finished) return;
      recovered_.deliveries += give_in_flight(position, exchange->second);
      return;
    }
    if (owed_.ahead && superseded()) return;
    recovered_.deliveries +=
        home->broker->restore(broker::RestoredDelivery{key, owed_.share, delivery_at(position).logged(),
                                                       sizeof(session::Delivery) + record_.message.footprint_bytes()});
  }

  // What a core had not taken when the process ended reaches its sessions now. They may be spread over several cores:
  // each then records its part, and not all parts may have been recorded by an earlier start.
  Result<void> forward_again() {
    std::map<std::pair<Position, std::uint64_t>, std::vector<broker::CorePart>> parts;
    for (const auto& [key, positions] : handed_over_) {
      if (!broker::is_core_key(key)) continue;
      const broker::CorePart part = broker::part_of_key(key);
      for (const Position position : positions) {
        if (part.cores == 0)
          forwarded_.erase({position, key});
        else
          parts[{position, broker::whole_key(key)}].push_back(part);
      }
    }
    for (const auto& [name, shares] : forwarded_) {
      std::string bytes;
      const auto found = store_.reader().read(name.first, bytes);
      const bool sound = found && *found && record_.begin(as_bytes(bytes));
      if (!sound) {
        if (auto skipped = damaged(found ? unknown_record(name.first, as_bytes(bytes)) : found.error().message);
            !skipped)
          return skipped;
        continue;
      }
      forward_again(name.first, name.second, shares, parts[name]);
    }
    return {};
  }

  void forward_again(Position position, std::uint64_t key, const std::vector<std::string>& shares,
                     const std::vector<broker::CorePart>& taken) {
    const auto cores = static_cast<std::uint32_t>(brokers_.size());
    const bool as_before = broker::cores_of_key(key) == cores;
    broker::Forwarded forwarded;
    forwarded.message = make_message(record_.message, now_);
    forwarded.position = position;
    forwarded.key = key;
    forwarded.to_subscribers = std::find(shares.begin(), shares.end(), "") != shares.end();
    // The first part has them.
    const bool groups_taken = std::any_of(taken.begin(), taken.end(), [](const auto& part) { return part.core == 0; });
    for (const std::string& share : shares) {
      const std::uint32_t group = groups_taken ? 0 : brokers_[0]->commons().groups().find(share);
      if (group != 0) forwarded.groups.push_back(group);
    }
    for (std::uint32_t core = 0; core < cores; ++core) {
      if (as_before && core != broker::core_of_key(key)) continue;
      brokers_[core]->forwarded(forwarded, now_, taken);
      forwarded.groups.clear();  // one member gets it
    }
    ++recovered_.deliveries;
  }

  bool give_in_flight(Position position, const OutgoingExchange& exchange) {
    broker::RestoredFlight flight;
    flight.key = owed_.session_key;
    flight.share = owed_.share;
    flight.delivery = delivery_at(position);
    flight.delivery.message = make_message(record_.message, now_);
    flight.packet_id = exchange.packet_id;
    flight.received = exchange.state == broker::ExchangeState::received;
    return home_of(owed_.session_key)->broker->restore(std::move(flight));
  }

  session::Delivery delivery_at(Position position) const {
    session::Delivery delivery;
    delivery.position = position;
    delivery.qos = owed_.qos;
    delivery.retain = owed_.retain;
    delivery.identifiers = session::SubscriptionIdentifiers(owed_.identifiers);
    return delivery;
  }

  // A retained message on its way to a new subscription was older than what else it waits with: if another took its
  // place meanwhile, it would come too late.
  bool superseded() const {
    const broker::RetainedMessage* retained = brokers_[0]->retained().index().find(record_.message.topic);
    if (!retained) return true;
    const session::Message& kept = *retained->message;
    return !std::ranges::equal(kept.payload(), record_.message.payload) ||
           !std::ranges::equal(kept.properties().raw(), record_.message.properties);
  }

  store::Store& store_;
  const std::span<broker::Broker* const> brokers_;
  const RecoveryOptions& options_;
  broker::Log& log_;
  const Now now_;
  Recovered recovered_;
  std::unordered_map<std::uint64_t, Home> homes_;  // by session key
  std::uint64_t last_key_ = 0;
  std::unordered_map<DeliveryName, OutgoingExchange, DeliveryNameHash> exchanges_;
  std::unordered_map<std::uint64_t, std::vector<Position>> handed_over_;  // by the session that was owed it before
  // By position and the key of a core: the shared subscriptions, or "" for its subscribers, that are owed the message.
  std::map<std::pair<Position, std::uint64_t>, std::vector<std::string>> forwarded_;
  bool noted_ = false;  // the log need not be read
  LogRecordReader record_;
  StoredOwed owed_;
};

}  // namespace

Result<std::uint64_t> client_seed(store::Store& store, std::uint64_t fresh) {
  std::string value;
  const auto found = store.reader().get(Table::meta, as_bytes(kClientSeed), value);
  if (!found) return tl::unexpected(found.error());
  if (*found && value.size() == 8) return ByteReader(as_bytes(value)).number64();
  ByteWriter seed;
  seed.number64(fresh | 1);
  store.writer().put(Table::meta, as_bytes(kClientSeed), seed.view());
  // Nobody waits for it, but it is synced before anything that is.
  static_cast<void>(store.writer().ticket(Durability::fsync));
  return fresh | 1;
}

Result<Recovered> recover(store::Store& store, std::span<broker::Broker* const> brokers, const RecoveryOptions& options,
                          broker::Log& log, const Now& now) {
  check(brokers.size() == 1 || options.client_seed != 0, "with several brokers sessions are told apart by their hash");
  return Recovery(store, brokers, options, log, now).run();
}

}  // namespace martlet::server
