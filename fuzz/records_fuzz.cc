// What the broker reads back from its store: any bytes are told apart from a record or are one, and what was read is
// written again as it was.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "server/durable/record_codec.h"

namespace martlet::server {
namespace {

constexpr Now kNow{1'000'000, 1'700'000'000'000};

void log_record(ByteView bytes) {
  LogRecordReader record;
  if (!record.begin(bytes)) return;
  std::vector<broker::Owed> owed;
  std::vector<std::vector<std::uint32_t>> identifiers;
  StoredOwed one;
  while (record.next(one)) {
    identifiers.push_back(one.identifiers);
    owed.push_back({one.session_key, one.qos, one.retain, one.ahead, one.share, {}});
  }
  if (!record.sound()) return;
  for (std::size_t i = 0; i < owed.size(); ++i) owed[i].identifiers = identifiers[i];
  const session::MessageRef message = make_message(record.message, kNow);
  // The writer's form is the shortest, so what was read may have been longer; but it means the same.
  ByteWriter written;
  if (record.kind == LogKind::message) {
    encode(broker::MessageOwed{*message, 0, 0, owed}, kNow, written);
  } else {
    encode(broker::HandedOver{record.position, record.from_key, *message, owed}, kNow, written);
  }
  LogRecordReader again;
  check(again.begin(written.view()), "what was written is a record");
  check(
      again.message.topic == record.message.topic && as_text(again.message.payload) == as_text(record.message.payload),
      "a record comes back with its message");
  for (const broker::Owed& expected : owed) {
    check(again.next(one), "each receiver comes back");
    check(one.session_key == expected.session_key && one.share == expected.share && one.ahead == expected.ahead &&
              one.identifiers.size() == expected.identifiers.size(),
          "a receiver comes back as it was");
  }
  check(!again.next(one) && again.sound(), "nothing is added");
}

void session_value(ByteView bytes) {
  const auto session = decode_session(7, bytes);
  if (!session) return;
  ByteWriter written;
  encode(broker::SessionChanged{session->key, session->client_id, session->expiry_s, session->cursor,
                                session->away_since_wall_ms, session->maybe_sent_below, session->username},
         written);
  const auto again = decode_session(7, written.view());
  check(again && again->client_id == session->client_id && again->cursor == session->cursor &&
            again->maybe_sent_below == session->maybe_sent_below && again->username == session->username,
        "a session comes back as it was");
}

void subscription_pair(ByteView bytes) {
  const std::size_t key_size = bytes.empty() ? 0 : std::min<std::size_t>(bytes.front(), bytes.size());
  static_cast<void>(decode_subscription(bytes.first(key_size), bytes.subspan(key_size)));
}

}  // namespace
}  // namespace martlet::server

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace martlet;
  if (size == 0) return 0;
  const ByteView bytes(data + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      server::log_record(bytes);
      break;
    case 1:
      server::session_value(bytes);
      break;
    case 2:
      server::subscription_pair(bytes);
      break;
    default:
      static_cast<void>(server::decode_will(bytes, server::kNow));
      break;
  }
  return 0;
}
