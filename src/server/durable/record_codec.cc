#include "server/durable/record_codec.h"

#include <utility>

namespace martlet::server {

using session::MessageRef;
using wire::QoS;

namespace {

constexpr std::uint8_t kRetainBit = 4;
constexpr std::uint8_t kShareBit = 8;
constexpr std::uint8_t kIdentifiersBit = 16;

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
  to.varint(owed.session_key);
  to.number8(flags);
  if (!owed.share.empty()) to.bytes(as_bytes(owed.share));
  if (owed.identifiers.empty()) return;
  to.varint(owed.identifiers.size());
  for (const std::uint32_t identifier : owed.identifiers) to.varint(identifier);
}

StoredOwed decode_owed(ByteReader& from) {
  StoredOwed owed;
  owed.session_key = from.varint();
  const std::uint8_t flags = from.number8();
  owed.qos = qos_of(flags);
  owed.retain = (flags & kRetainBit) != 0;
  if (flags & kShareBit) owed.share = as_text(from.bytes());
  if (flags & kIdentifiersBit) {
    const std::uint64_t count = from.varint();
    for (std::uint64_t i = 0; i < count && from.ok(); ++i) {
      owed.identifiers.push_back(static_cast<std::uint32_t>(from.varint()));
    }
  }
  return owed;
}

}  // namespace

// ---- messages

void encode(const session::Message& message, const Now& now, ByteWriter& to) {
  const session::MessageFacts& facts = message.facts();
  to.number8(flags_of(facts.qos, facts.retain));
  to.number64(facts.publisher);
  to.number64(static_cast<std::uint64_t>(facts.received_wall_ms));
  const std::int64_t expires_wall_ms = message.can_expire() ? facts.expires_at_ms - now.mono_ms + now.wall_ms : 0;
  to.number64(static_cast<std::uint64_t>(expires_wall_ms));
  to.bytes(as_bytes(message.topic()));
  to.bytes(message.properties().raw());
  to.bytes(message.payload());
}

MessageRef decode_message(ByteReader& from, const Now& now) {
  session::MessageFacts facts;
  const std::uint8_t flags = from.number8();
  facts.qos = qos_of(flags);
  facts.retain = (flags & kRetainBit) != 0;
  facts.publisher = from.number64();
  facts.received_wall_ms = static_cast<std::int64_t>(from.number64());
  const auto expires_wall_ms = static_cast<std::int64_t>(from.number64());
  if (expires_wall_ms != 0) facts.expires_at_ms = expires_wall_ms - now.wall_ms + now.mono_ms;
  const ByteView topic = from.bytes();
  const ByteView properties = from.bytes();
  const ByteView payload = from.bytes();
  if (!from.ok()) return {};
  return MessageRef::make(as_text(topic), payload, wire::Properties::trusted(properties), facts);
}

// ---- the log

void encode(const broker::MessageOwed& record, const Now& now, ByteWriter& to) {
  to.number8(kRecordLayout);
  to.number8(static_cast<std::uint8_t>(LogKind::message));
  encode(record.message, now, to);
  to.varint(record.owed.size());
  for (const broker::Owed& owed : record.owed) encode_owed(owed, to);
}

void encode(const broker::HandedOver& record, const Now& now, ByteWriter& to) {
  to.number8(kRecordLayout);
  to.number8(static_cast<std::uint8_t>(LogKind::handed_over));
  to.number64(record.position);
  to.varint(record.from_key);
  encode(record.message, now, to);
  encode_owed(record.to, to);
}

std::optional<StoredLogRecord> decode_log_record(ByteView bytes, const Now& now) {
  ByteReader from(bytes);
  StoredLogRecord record;
  if (from.number8() != kRecordLayout) return std::nullopt;
  record.kind = static_cast<LogKind>(from.number8());
  if (record.kind == LogKind::message) {
    record.message = decode_message(from, now);
    const std::uint64_t count = from.varint();
    for (std::uint64_t i = 0; i < count && from.ok(); ++i) record.owed.push_back(decode_owed(from));
  } else if (record.kind == LogKind::handed_over) {
    record.position = from.number64();
    record.from_key = from.varint();
    record.message = decode_message(from, now);
    record.owed.push_back(decode_owed(from));
  } else {
    return std::nullopt;
  }
  if (!record.message || !from.ok() || !from.empty()) return std::nullopt;
  return record;
}

// ---- keyed state

void encode(const broker::SessionChanged& record, ByteWriter& to) {
  to.number8(kRecordLayout);
  to.bytes(as_bytes(record.client_id));
  to.number32(record.expiry_s);
  to.number64(record.cursor);
  to.number64(static_cast<std::uint64_t>(record.away_since_wall_ms));
}

std::optional<broker::RestoredSession> decode_session(std::uint64_t key, ByteView value) {
  ByteReader from(value);
  if (from.number8() != kRecordLayout) return std::nullopt;
  broker::RestoredSession session;
  session.key = key;
  session.client_id = as_text(from.bytes());
  session.expiry_s = from.number32();
  session.cursor = from.number64();
  session.away_since_wall_ms = static_cast<std::int64_t>(from.number64());
  if (!from.ok() || !from.empty()) return std::nullopt;
  return session;
}

void encode(const broker::SubscriptionChanged& record, ByteWriter& to) {
  to.number8(kRecordLayout);
  to.number8(record.options.to_byte());
  to.number32(record.identifier);
}

std::optional<broker::RestoredSubscription> decode_subscription(ByteView key, ByteView value) {
  ByteReader name(key);
  ByteReader from(value);
  if (from.number8() != kRecordLayout) return std::nullopt;
  broker::RestoredSubscription subscription;
  subscription.key = name.number64();
  subscription.filter = as_text(name.rest());
  subscription.options = wire::SubscriptionOptions::from_byte(from.number8());
  subscription.identifier = from.number32();
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
