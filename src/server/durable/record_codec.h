// The broker's records as bytes and back; docs/formats/records.md describes them. Each begins with the number of its
// layout, so that a later version can tell.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "broker/records.h"
#include "broker/restored.h"
#include "broker/session.h"
#include "server/durable/byte_writer.h"

namespace martlet::server {

inline constexpr std::uint8_t kRecordLayout = 1;
// The highest that a value of `sessions` or `subscriptions` may have.
inline constexpr std::uint8_t kNewestLayout = 3;

// ---- the log

// `handed_over_to` is a handed_over with any number of receivers; readers are told the latter.
enum class LogKind : std::uint8_t { message = 1, handed_over = 2, handed_over_to = 3 };

// Times in messages are kept as Unix time; `now` has both clocks.
void encode(const broker::MessageOwed& record, const Now& now, ByteWriter& to);
void encode(const broker::HandedOver& record, const Now& now, ByteWriter& to);

// Views into the record's bytes.
struct StoredMessage {
  std::uint8_t flags = 0;
  std::uint64_t publisher = 0;
  std::int64_t received_wall_ms = 0;
  std::int64_t expires_wall_ms = 0;  // 0: never
  std::string_view topic;
  ByteView properties;
  ByteView payload;

  std::size_t footprint_bytes() const {
    return sizeof(session::Message) + topic.size() + properties.size() + payload.size();
  }
};
session::MessageRef make_message(const StoredMessage& stored, const Now& now);

struct StoredOwed {
  std::uint64_t session_key = 0;
  wire::QoS qos = wire::QoS::at_most_once;
  bool retain = false;
  bool ahead = false;
  std::string_view share;
  std::vector<std::uint32_t> identifiers;
};

// Reads one record: first what it is, then one after the other who is owed it.
class LogRecordReader {
 public:
  // False if `bytes`, which outlive the reading, are not such a record.
  bool begin(ByteView bytes);
  // The next receiver; false behind the last one, or where the record ends too early.
  bool next(StoredOwed& owed);
  // After next() said false: the record was read to its end and was sound.
  bool sound() const { return left_ == 0 && from_.ok() && from_.empty(); }

  LogKind kind = LogKind::message;
  StoredMessage message;
  std::uint64_t position = 0;  // handed over: where the message was owed before, ...
  std::uint64_t from_key = 0;  // ... and to whom; 0 if that session was not kept

 private:
  ByteReader from_{ByteView()};
  std::uint64_t left_ = 0;
};

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
