#include "server/store_tool/survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/printable.h"
#include "server/durable/durable_records.h"
#include "server/durable/place.h"
#include "server/durable/record_codec.h"
#include "topic/filter.h"

namespace martlet::server {

using store::Position;
using store::Table;

namespace {

constexpr std::size_t kScanBytes = 4u << 20;
// Times come out as Unix milliseconds when both clocks stand at zero.
constexpr Now kUnixTime{0, 0};
// With more unreadable records in a row the rest of the log is not looked at.
constexpr std::uint64_t kMostUnreadable = 10'000;

using DeliveryName = std::pair<std::uint64_t, Position>;  // session key, position of the message

class Surveyor {
 public:
  Surveyor(const store::Reader& store, const SurveyListener& listener) : store_(store), listener_(listener) {}

  Survey run() {
    survey_.first = store_.first();
    survey_.end = store_.end();
    each(Table::sessions, [this](ByteView key, ByteView value) { return session(key, value); });
    each(Table::subscriptions, [this](ByteView key, ByteView value) { return subscription(key, value); });
    each(Table::exchanges, [this](ByteView key, ByteView value) { return exchange(key, value); });
    each(Table::retained, [](ByteView key, ByteView value) { return retained(key, value); });
    each(Table::wills, [](ByteView, ByteView value) { return will(value); });
    each(Table::meta, [](ByteView, ByteView) { return std::string(); });
    log_records();
    return std::move(survey_);
  }

 private:
  void damaged(const std::string& what) {
    ++survey_.damages;
    listener_.damage(what);
  }

  // `visit(key, value)` returns what is wrong, or nothing.
  template <class Visit>
  void each(Table table, Visit&& visit) {
    TableFigures& figures = survey_.tables[static_cast<std::size_t>(table)];
    const auto scanned = store_.scan(table, {}, [&](ByteView key, ByteView value) {
      ++figures.pairs;
      figures.bytes += key.size() + value.size();
      const std::string wrong = visit(key, value);
      if (!wrong.empty()) damaged(fmt::format("{} {}", place_of(table, key), wrong));
      return true;
    });
    if (!scanned) damaged(scanned.error().message + "; what stands behind it in this table was not looked at");
  }

  std::string session(ByteView key, ByteView value) {
    ByteReader name(key);
    const auto decoded = decode_session(name.number64(), value);
    if (!decoded) return why_unknown(Table::sessions, value);
    if (!name.ok() || !name.empty() || decoded->key == 0) return "has a key of an unknown form";
    SessionFigures& figures = survey_.sessions[decoded->key];
    figures.client_id = decoded->client_id;
    figures.expiry_s = decoded->expiry_s;
    figures.cursor = decoded->cursor;
    figures.away_since_wall_ms = decoded->away_since_wall_ms;
    if (!decoded->client_id.empty() && !clients_.insert(decoded->client_id).second) {
      return fmt::format("has the client identifier \"{}\" of another session", printable(decoded->client_id));
    }
    return {};
  }

  // The session that a key begins with; nullptr, counted, if it ended.
  const SessionFigures* session_of(ByteView key) {
    const auto at = survey_.sessions.find(ByteReader(key).number64());
    if (at != survey_.sessions.end()) return &at->second;
    ++survey_.left_over;
    return nullptr;
  }

  std::string subscription(ByteView key, ByteView value) {
    const auto decoded = decode_subscription(key, value);
    if (!decoded) return why_unknown(Table::subscriptions, value);
    if (!session_of(key)) return {};
    if (!topic::parse_filter(decoded->filter)) return "has a filter that is none";
    if (decoded->options.qos > wire::QoS::exactly_once || decoded->options.retain_handling > 2) {
      return "has options that do not exist";
    }
    return {};
  }

  std::string exchange(ByteView key, ByteView value) {
    ByteReader name(key);
    const std::uint64_t session_key = name.number64();
    const std::uint8_t mark = name.number8();
    if (mark == kIncomingMark) {
      name.number16();
      if (!name.ok() || !name.empty() || !value.empty()) return "is damaged";
      if (session_of(key)) ++survey_.incoming;
      return {};
    }
    const Position position = name.number64();
    ByteReader from(value);
    const std::uint16_t packet_id = from.number16();
    const auto state = static_cast<broker::ExchangeState>(from.number8());
    const bool whole = name.ok() && name.empty() && from.ok() && from.empty();
    if (mark != kOutgoingMark || !whole || state >= broker::ExchangeState::forgotten) return "is damaged";
    const SessionFigures* session = session_of(key);
    if (!session) return {};
    if (position >= survey_.end) return fmt::format("is of a message behind the log's end {}", survey_.end);
    if (state == broker::ExchangeState::finished) {
      finished_.insert({session_key, position});
      return {};
    }
    if (position < session->cursor) return {};
    ++survey_.outgoing;
    if (packet_id == 0) return "is under way without a packet identifier";
    if (!outgoing_.insert({session_key, packet_id}).second) {
      return fmt::format("has the packet identifier {} of another message", packet_id);
    }
    return {};
  }

  static std::string retained(ByteView topic, ByteView value) {
    ByteReader from(value);
    if (from.number8() != kRecordLayout) return why_unknown(value);
    const session::MessageRef message = decode_message(from, kUnixTime);
    if (!message || !from.ok() || !from.empty()) return "is damaged";
    if (message->topic() != as_text(topic)) return "holds a message of another topic";
    return {};
  }

  static std::string will(ByteView value) { return decode_will(value, kUnixTime) ? std::string() : why_unknown(value); }

  // ---- the log

  void log_records() {
    std::uint64_t unreadable = 0;  // in a row, up to `at`
    std::string why;
    for (Position at = survey_.first; at < survey_.end;) {
      listener_.progress(at - survey_.first, survey_.end - survey_.first);
      bool read = false;
      const store::ScanOutcome scanned = store_.scan(at, kScanBytes, [&](Position position, ByteView bytes) {
        if (!std::exchange(read, true)) tell_unreadable(position, std::exchange(unreadable, 0), why);
        record(position, bytes);
        return true;
      });
      at = scanned.next;
      if (!scanned.error) continue;
      if (unreadable++ == 0) why = scanned.error->message;
      ++at;
      if (unreadable == kMostUnreadable || at == survey_.end) {
        tell_unreadable(at, unreadable, why);
        if (at != survey_.end) damaged(fmt::format("the log from record {} on was not looked at", at));
        return;
      }
    }
  }

  // Of `count` records that could not be read before `next`.
  void tell_unreadable(Position next, std::uint64_t count, const std::string& why) {
    if (count == 0) return;
    if (count == 1) return damaged(why);
    damaged(fmt::format("log records {} to {} cannot be read; the first: {}", next - count, next - 1, why));
  }

  void record(Position position, ByteView bytes) {
    ++survey_.records;
    survey_.record_bytes += bytes.size();
    if (!reader_.begin(bytes)) return damaged(fmt::format("{} {}", place_of(position), why_unknown(bytes)));
    if (survey_.oldest_wall_ms == 0) survey_.oldest_wall_ms = reader_.message.received_wall_ms;
    if (reader_.kind == LogKind::handed_over) handed_over(position);
    while (reader_.next(owed_)) owe(position, owed_, reader_.message.payload.size());
    if (!reader_.sound()) damaged(fmt::format("{} is damaged", place_of(position)));
  }

  void handed_over(Position position) {
    ++survey_.handed_over;
    if (reader_.position == position) damaged(fmt::format("{} hands over itself", place_of(position)));
    const DeliveryName name{reader_.from_key, reader_.position};
    const auto taken = shared_.find(name);
    if (taken == shared_.end()) {
      handed_over_.insert(name);
      return;
    }
    count_owed(reader_.from_key, taken->second, -1);
    shared_.erase(taken);
  }

  void owe(Position position, const StoredOwed& owed, std::uint64_t bytes) {
    const auto at = survey_.sessions.find(owed.session_key);
    if (at == survey_.sessions.end() || position < at->second.cursor) return;
    const DeliveryName name{owed.session_key, position};
    if (finished_.contains(name) || handed_over_.contains(name)) return;
    if (at->second.client_id.empty() && owed.share.empty()) return;
    if (at->second.oldest_owed == 0) at->second.oldest_owed = position;
    count_owed(owed.session_key, bytes, 1);
    if (!owed.share.empty()) shared_[name] = bytes;
  }

  void count_owed(std::uint64_t key, std::uint64_t bytes, int sign) {
    SessionFigures& figures = survey_.sessions[key];
    figures.owed += static_cast<std::uint64_t>(sign);
    figures.owed_bytes += sign > 0 ? bytes : 0 - bytes;
  }

  const store::Reader& store_;
  const SurveyListener& listener_;
  Survey survey_;
  LogRecordReader reader_;
  StoredOwed owed_;
  std::set<std::string> clients_;
  std::set<DeliveryName> finished_;
  std::set<DeliveryName> handed_over_;                          // to another core, whose record has a lower position
  std::set<std::pair<std::uint64_t, std::uint16_t>> outgoing_;  // session key, packet identifier
  std::map<DeliveryName, std::uint64_t> shared_;                // bytes of the payload
};

}  // namespace

Survey survey(const store::Reader& store, const SurveyListener& listener) {
  return Surveyor(store, listener).run();
}

}  // namespace martlet::server
