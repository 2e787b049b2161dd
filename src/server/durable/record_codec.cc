#include "server/durable/record_codec.h"

#include <algorithm>
#include <utility>

namespace martlet::server {

using session::MessageRef;
using wire::QoS;

namespace {

constexpr std::uint8_t kRetainBit = 4;
constexpr std::uint8_t kShareBit = 8;
constexpr std::uint8_t kIdentifiersBit = 16;
constexpr std::uint8_t kAheadBit = 32;

// Of a session that tells what may have been sent to it.
constexpr std::uint8_t kSentLayout = 2;
// Of a session whose client has a user name, too.
constexpr std::uint8_t kNamedLayout = 3;
// Of one whose client came through one of several listeners, too; its user name may be empty.
constexpr std::uint8_t kListenerLayout = 4;
// Of a subscription that retained messages are on their way to.
constexpr std::uint8_t kCursorLayout = 2;

std::uint8_t flags_of(QoS qos, bool retain) {
  return static_cast<std::uint8_t>(static_cast<std::uint8_t>(qos) | (retain ? kRetainBit : 0));
}

QoS qos_of(std::uint8_t flags) {
  return static_cast<QoS>(flags & 3);
}

void encode_owed(const broker::Owed& owed, ByteWriter& to) {
  std::uint8_t flags = flags_of(owed.qos, owed.retain);
  if (!owed.share.empty()) flags |= kShareBit;
  if (!owed.identifiers.empty()) flags |= kIdentifiersBit;
  if (owed.ahead) flags |= kAheadBit;
  to.varint(owed.session_key);
  to.number8(flags);
  if (!owed.share.empty()) to.bytes(as_bytes(owed.share));
  if (owed.identifiers.empty()) return;
  to.varint(owed.identifiers.size());
  for (const std::uint32_t identifier : owed.identifiers) to.varint(identifier);
}

// `owed` is used again and again: its identifiers keep their memory.
void decode_owed(ByteReader& from, StoredOwed& owed) {
  owed.session_key = from.varint();
  const std::uint8_t flags = from.number8();
  owed.qos = qos_of(flags);
  owed.retain = (flags & kRetainBit) != 0;
  owed.ahead = (flags & kAheadBit) != 0;
  owed.share = flags & kShareBit ? as_text(from.bytes()) : std::string_view();
  owed.identifiers.clear();
  if (!(flags & kIdentifiersBit)) return;
  const std::uint64_t count = from.varint();
  for (std::uint64_t i = 0; i < count && from.ok(); ++i) {
    owed.identifiers.push_back(static_cast<std::uint32_t>(from.varint()));
  }
}

}  // namespace

// ---- messages

namespace {

void encode_at(std::int64_t received_wall_ms, const session::Message& message, const Now& now, ByteWriter& to) {
  const session::MessageFacts& facts = message.facts();
  to.number8(flags_of(facts.qos, facts.retain));
  to.number64(facts.publisher);
  to.number64(static_cast<std::uint64_t>(received_wall_ms));
  const std::int64_t expires_wall_ms = message.can_expire() ? facts.expires_at_ms - now.mono_ms + now.wall_ms : 0;
  to.number64(static_cast<std::uint64_t>(expires_wall_ms));
  to.bytes(as_bytes(message.topic()));
  to.bytes(message.properties().raw());
  to.bytes(message.payload());
}

}  // namespace

void encode(const session::Message& message, const Now& now, ByteWriter& to) {
  encode_at(message.facts().received_wall_ms, message, now, to);
}

StoredMessage read_message(ByteReader& from) {
  StoredMessage message;
  message.flags = from.number8();
  message.publisher = from.number64();
  message.received_wall_ms = static_cast<std::int64_t>(from.number64());
  message.expires_wall_ms = static_cast<std::int64_t>(from.number64());
  message.topic = as_text(from.bytes());
  message.properties = from.bytes();
  message.payload = from.bytes();
  return message;
}

// A message that this program can use: bytes from a disk must not end it.
bool is_sound(const StoredMessage& message) {
  return qos_of(message.flags) <= QoS::exactly_once && wire::Properties::checked(message.properties).has_value();
}

MessageRef make_message(const StoredMessage& stored, const Now& now) {
  session::MessageFacts facts;
  facts.qos = qos_of(stored.flags);
  facts.retain = (stored.flags & kRetainBit) != 0;
  facts.publisher = stored.publisher;
  facts.received_wall_ms = stored.received_wall_ms;
  if (stored.expires_wall_ms != 0) {
    // Of damaged bytes it may be any number.
    constexpr std::int64_t kLatestWallMs = std::int64_t{1} << 60;
    facts.expires_at_ms =
        std::clamp<std::int64_t>(stored.expires_wall_ms, 0, kLatestWallMs) - now.wall_ms + now.mono_ms;
  }
  return MessageRef::make(stored.topic, stored.payload, wire::Properties::trusted(stored.properties), facts);
}

MessageRef decode_message(ByteReader& from, const Now& now) {
  const StoredMessage stored = read_message(from);
  return from.ok() && is_sound(stored) ? make_message(stored, now) : MessageRef();
}

// ---- the log

void encode(const broker::MessageOwed& record, const Now& now, ByteWriter& to) {
  to.number8(kRecordLayout);
  to.number8(static_cast<std::uint8_t>(LogKind::message));
  // A retained message that goes to a new subscription may have come long ago, but the log's times rise.
  const bool ahead = !record.owed.empty() && record.owed.front().ahead;
  encode_at(ahead ? now.wall_ms : record.message.facts().received_wall_ms, record.message, now, to);
  to.varint(record.owed.size());
  for (const broker::Owed& owed : record.owed) encode_owed(owed, to);
}

void encode(const broker::HandedOver& record, const Now& now, ByteWriter& to) {
  to.number8(kRecordLayout);
  const bool one = record.to.size() == 1;
  to.number8(static_cast<std::uint8_t>(one ? LogKind::handed_over : LogKind::handed_over_to));
  to.number64(record.position);
  to.varint(record.from_key);
  encode_at(now.wall_ms, record.message, now, to);
  if (!one) to.varint(record.to.size());
  for (const broker::Owed& owed : record.to) encode_owed(owed, to);
}

bool LogRecordReader::begin(ByteView bytes) {
  from_ = ByteReader(bytes);
  position = from_key = 0;
  if (from_.number8() != kRecordLayout) return false;
  kind = static_cast<LogKind>(from_.number8());
  const bool counted = kind != LogKind::handed_over;
  if (kind == LogKind::handed_over_to) kind = LogKind::handed_over;
  if (kind == LogKind::handed_over) {
    position = from_.number64();
    from_key = from_.varint();
  } else if (kind != LogKind::message) {
    return false;
  }
  message = read_message(from_);
  left_ = counted ? from_.varint() : 1;
  return from_.ok() && is_sound(message);
}

bool LogRecordReader::next(StoredOwed& owed) {
  if (left_ == 0 || !from_.ok()) return false;
  decode_owed(from_, owed);
  if (owed.qos > QoS::exactly_once) return false;
  --left_;
  return from_.ok();
}

// ---- keyed state

void encode(const broker::SessionChanged& record, ByteWriter& to) {
  const std::uint8_t least = record.username.empty() ? kSentLayout : kNamedLayout;
  const std::uint8_t layout = record.listener.empty() ? least : kListenerLayout;
  to.number8(layout);
  to.bytes(as_bytes(record.client_id));
  to.number32(record.expiry_s);
  to.number64(record.cursor);
  to.number64(static_cast<std::uint64_t>(record.away_since_wall_ms));
  to.number64(record.maybe_sent_below);
  if (layout >= kNamedLayout) to.bytes(as_bytes(record.username));
  if (layout == kListenerLayout) to.bytes(as_bytes(record.listener));
}

std::optional<broker::RestoredSession> decode_session(std::uint64_t key, ByteView value) {
  ByteReader from(value);
  const std::uint8_t layout = from.number8();
  if (layout < kRecordLayout || layout > kListenerLayout) return std::nullopt;
  broker::RestoredSession session;
  session.key = key;
  session.client_id = as_text(from.bytes());
  session.expiry_s = from.number32();
  session.cursor = from.number64();
  session.away_since_wall_ms = static_cast<std::int64_t>(from.number64());
  if (layout >= kSentLayout) session.maybe_sent_below = from.number64();
  if (layout >= kNamedLayout) session.username = as_text(from.bytes());
  if (layout == kListenerLayout) session.listener = as_text(from.bytes());
  if (!from.ok() || !from.empty()) return std::nullopt;
  return session;
}

void encode(const broker::SubscriptionChanged& record, ByteWriter& to) {
  to.number8(record.retained_from ? kCursorLayout : kRecordLayout);
  to.number8(record.options.to_byte());
  to.number32(record.identifier);
  if (record.retained_from) to.raw(as_bytes(*record.retained_from));
}

std::optional<broker::RestoredSubscription> decode_subscription(ByteView key, ByteView value) {
  ByteReader name(key);
  ByteReader from(value);
  const std::uint8_t layout = from.number8();
  if (layout != kRecordLayout && layout != kCursorLayout) return std::nullopt;
  broker::RestoredSubscription subscription;
  subscription.key = name.number64();
  subscription.filter = as_text(name.rest());
  subscription.options = wire::SubscriptionOptions::from_byte(from.number8());
  subscription.identifier = from.number32();
  if (layout == kCursorLayout) subscription.retained_from = as_text(from.rest());
  if (!name.ok() || !from.ok() || !from.empty()) return std::nullopt;
  return subscription;
}

void encode(const broker::WillChanged& record, const Now& now, ByteWriter& to) {
  to.number8(kRecordLayout);
  to.number32(record.delay_s);
  to.number8(record.expiry_s ? 1 : 0);
  to.number32(record.expiry_s.value_or(0));
  encode(*record.message, now, to);
}

std::optional<broker::SessionWill> decode_will(ByteView value, const Now& now) {
  ByteReader from(value);
  if (from.number8() != kRecordLayout) return std::nullopt;
  broker::SessionWill will;
  will.delay_s = from.number32();
  const bool has_expiry = from.number8() != 0;
  const std::uint32_t expiry_s = from.number32();
  if (has_expiry) will.expiry_s = expiry_s;
  will.message = decode_message(from, now);
  if (!will.message || !from.ok() || !from.empty()) return std::nullopt;
  return will;
}

}  // namespace martlet::server
