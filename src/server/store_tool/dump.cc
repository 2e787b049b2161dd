#include "server/store_tool/dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "server/durable/durable_records.h"
#include "server/durable/place.h"
#include "server/durable/record_codec.h"
#include "server/store_tool/line_writer.h"
#include "wire/property.h"

namespace martlet::server {

using store::Position;
using store::Table;

namespace {

constexpr std::size_t kScanBytes = 1u << 20;
constexpr Now kUnixTime{0, 0};

void show_properties(LineWriter& to, const wire::Properties& properties) {
  if (properties.empty()) return;
  to.begin_list("properties");
  properties.for_each([&](const wire::Property& property) {
    const wire::PropertyRow& row = *wire::property_row(static_cast<std::uint32_t>(property.id));
    to.begin_item();
    if (row.kind == wire::PropertyKind::text_pair) {
      to.text(row.name, property.name);
      to.text("value", as_text(property.value));
    } else if (row.kind == wire::PropertyKind::text || row.kind == wire::PropertyKind::binary) {
      to.text(row.name, as_text(property.value));
    } else {
      to.number(row.name, property.number);
    }
    to.end_item();
  });
  to.end_list();
}

void show_message(LineWriter& to, const session::Message& message) {
  const session::MessageFacts& facts = message.facts();
  to.text("topic", message.topic());
  to.number("qos", static_cast<std::uint64_t>(facts.qos));
  to.flag("retain", facts.retain);
  to.time("received", facts.received_wall_ms);
  if (message.can_expire()) to.time("expires", facts.expires_at_ms);
  if (facts.publisher != 0) to.word("publisher", fmt::format("{:016x}", facts.publisher));
  show_properties(to, message.properties());
  to.number("payload_bytes", message.payload().size());
  to.text("payload", as_text(message.payload()));
}

void show_owed(LineWriter& to, const std::vector<StoredOwed>& all) {
  to.begin_list("owed");
  for (const StoredOwed& owed : all) {
    to.begin_item();
    to.number("session", owed.session_key);
    to.number("qos", static_cast<std::uint64_t>(owed.qos));
    to.flag("retain", owed.retain);
    to.flag("ahead", owed.ahead);
    if (!owed.share.empty()) to.text("share", owed.share);
    to.numbers("identifiers", owed.identifiers);
    to.end_item();
  }
  to.end_list();
}

bool show_session(LineWriter& to, ByteView key, ByteView value) {
  const auto session = decode_session(ByteReader(key).number64(), value);
  if (!session) return false;
  to.number("session", session->key);
  to.text("client", session->client_id);
  if (session->expiry_s == std::numeric_limits<std::uint32_t>::max()) {
    to.word("expiry", "never");
  } else {
    to.number("expiry_s", session->expiry_s);
  }
  to.number("cursor", session->cursor);
  to.time("away_since", session->away_since_wall_ms);
  if (session->maybe_sent_below != 0) to.number("maybe_sent_below", session->maybe_sent_below);
  return true;
}

bool show_subscription(LineWriter& to, ByteView key, ByteView value) {
  const auto subscription = decode_subscription(key, value);
  if (!subscription) return false;
  to.number("session", subscription->key);
  to.text("filter", subscription->filter);
  to.number("qos", static_cast<std::uint64_t>(subscription->options.qos));
  to.flag("no_local", subscription->options.no_local);
  to.flag("retain_as_published", subscription->options.retain_as_published);
  if (subscription->options.retain_handling != 0) to.number("retain_handling", subscription->options.retain_handling);
  if (subscription->identifier != 0) to.number("identifier", subscription->identifier);
  if (subscription->retained_from) to.text("retained_from", *subscription->retained_from);
  return true;
}

bool show_exchange(LineWriter& to, ByteView key, ByteView value) {
  static constexpr std::string_view kStates[] = {"sending", "received", "finished"};
  ByteReader name(key);
  ByteReader from(value);
  to.number("session", name.number64());
  if (const std::uint8_t mark = name.number8(); mark == kIncomingMark) {
    to.word("direction", "incoming");
    to.number("packet_id", name.number16());
    return name.ok();
  } else if (mark != kOutgoingMark) {
    return false;
  }
  to.word("direction", "outgoing");
  to.number("position", name.number64());
  to.number("packet_id", from.number16());
  const std::uint8_t state = from.number8();
  if (state >= std::size(kStates)) return false;
  to.word("state", kStates[state]);
  return name.ok() && from.ok();
}

bool show_retained(LineWriter& to, ByteView, ByteView value) {
  ByteReader from(value);
  if (from.number8() != kRecordLayout) return false;
  const session::MessageRef message = decode_message(from, kUnixTime);
  if (!message) return false;
  show_message(to, *message);
  return from.empty();
}

bool show_will(LineWriter& to, ByteView client_id, ByteView value) {
  const auto will = decode_will(value, kUnixTime);
  if (!will) return false;
  to.text("client", as_text(client_id));
  to.number("delay_s", will->delay_s);
  if (will->expiry_s) to.number("expiry_s", *will->expiry_s);
  show_message(to, *will->message);
  return true;
}

bool show_meta(LineWriter& to, ByteView key, ByteView value) {
  to.text("name", as_text(key));
  to.number("bytes", value.size());
  return true;
}

using Show = bool (*)(LineWriter& to, ByteView key, ByteView value);
// In the order of Table.
constexpr Show kShow[store::kTables] = {show_session,  show_subscription, show_exchange,
                                        show_retained, show_will,         show_meta};

class Dump {
 public:
  Dump(const store::Reader& store, const DumpOptions& options, const std::function<bool(std::string_view)>& line,
       const std::function<void(const std::string&)>& damage)
      : store_(store), options_(options), show_line_(line), damage_(damage), line_(options.json, options.full) {}

  void run() {
    if (wants("log")) log_records();
    for (std::size_t i = 0; i < store::kTables && !done(); ++i) {
      if (wants(store::kTableNames[i])) pairs(static_cast<Table>(i));
    }
  }

 private:
  bool wants(std::string_view table) const { return !options_.table || *options_.table == table; }
  bool done() const { return ended_ || (options_.count && shown_ >= *options_.count); }
  void show() {
    ++shown_;
    ended_ = !show_line_(line_.end());
  }

  void log_records() {
    Position at = std::max(options_.from, store_.first());
    while (at < store_.end() && !done()) {
      const store::ScanOutcome scanned = store_.scan(at, kScanBytes, [&](Position position, ByteView bytes) {
        record(position, bytes);
        return !done();
      });
      at = scanned.next;
      if (!scanned.error) continue;
      damage_(scanned.error->message);
      ++at;
    }
  }

  void record(Position position, ByteView bytes) {
    LogRecordReader reader;
    std::vector<StoredOwed> owed;
    const bool begun = reader.begin(bytes);
    while (begun && reader.next(owed.emplace_back())) {
    }
    if (!begun || !reader.sound()) return damage_(fmt::format("{} {}", place_of(position), why_unknown(bytes)));
    owed.pop_back();
    line_.begin("log");
    line_.number("position", position);
    if (reader.kind == LogKind::handed_over) {
      line_.word("kind", "handed_over");
      line_.number("from_position", reader.position);
      line_.number("from_session", reader.from_key);
    } else {
      line_.word("kind", "message");
    }
    show_message(line_, *make_message(reader.message, kUnixTime));
    show_owed(line_, owed);
    show();
  }

  void pairs(Table table) {
    const auto scanned = store_.scan(table, {}, [&](ByteView key, ByteView value) {
      line_.begin(table_name(table));
      if (kShow[static_cast<std::size_t>(table)](line_, key, value)) {
        show();
      } else {
        damage_(fmt::format("{} {}", place_of(table, key), why_unknown(table, value)));
      }
      return !done();
    });
    if (!scanned) damage_(scanned.error().message);
  }

  const store::Reader& store_;
  const DumpOptions& options_;
  const std::function<bool(std::string_view)>& show_line_;
  const std::function<void(const std::string&)>& damage_;
  LineWriter line_;
  std::uint64_t shown_ = 0;
  bool ended_ = false;
};

}  // namespace

void dump(const store::Reader& store, const DumpOptions& options, const std::function<bool(std::string_view)>& line,
          const std::function<void(const std::string&)>& damage) {
  Dump(store, options, line, damage).run();
}

}  // namespace martlet::server
