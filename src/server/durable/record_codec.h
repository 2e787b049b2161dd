// The broker's records as bytes and back; docs/formats/records.md describes them. Each begins with the number of its
// layout, so that a later version can tell.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "broker/records.h"
#include "broker/restored.h"
#include "broker/session.h"
#include "server/durable/byte_writer.h"

namespace martlet::server {

inline constexpr std::uint8_t kRecordLayout = 1;

// ---- the log

enum class LogKind : std::uint8_t { message = 1, handed_over = 2 };

// Times in messages are kept as Unix time; `now` has both clocks.
void encode(const broker::MessageOwed& record, const Now& now, ByteWriter& to);
void encode(const broker::HandedOver& record, const Now& now, ByteWriter& to);

struct StoredOwed {
  std::uint64_t session_key = 0;
  wire::QoS qos = wire::QoS::at_most_once;
  bool retain = false;
  std::string share;
  std::vector<std::uint32_t> identifiers;
};
struct StoredLogRecord {
  LogKind kind = LogKind::message;
  session::MessageRef message;
  std::vector<StoredOwed> owed;  // of a message: all; handed over: the new member
  std::uint64_t position = 0;    // handed over: where the message was owed before, ...
  std::uint64_t from_key = 0;    // ... and to whom; 0 if that session was not kept
};
// Nothing if the bytes are not such a record.
std::optional<StoredLogRecord> decode_log_record(ByteView bytes, const Now& now);

// ---- keyed state

void encode(const session::Message& message, const Now& now, ByteWriter& to);
session::MessageRef decode_message(ByteReader& from, const Now& now);  // null if it is not one

void encode(const broker::SessionChanged& record, ByteWriter& to);
std::optional<broker::RestoredSession> decode_session(std::uint64_t key, ByteView value);

void encode(const broker::SubscriptionChanged& record, ByteWriter& to);
std::optional<broker::RestoredSubscription> decode_subscription(ByteView key, ByteView value);

void encode(const broker::WillChanged& record, const Now& now, ByteWriter& to);
std::optional<broker::SessionWill> decode_will(ByteView value, const Now& now);

}  // namespace martlet::server
