#include "server/durable/place.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "base/printable.h"
#include "server/durable/byte_writer.h"
#include "server/durable/durable_records.h"
#include "server/durable/record_codec.h"

namespace martlet::server {

using store::Table;

namespace {

constexpr std::size_t kShownKeyBytes = 64;

std::string in_hexadecimal(ByteView bytes) {
  std::string text = "key ";
  for (const std::uint8_t byte : bytes.first(std::min(bytes.size(), kShownKeyBytes))) {
    fmt::format_to(std::back_inserter(text), "{:02x}", byte);
  }
  return bytes.size() > kShownKeyBytes ? text + "..." : text;
}

std::string in_quotes(ByteView text) {
  return fmt::format("\"{}\"", printable(as_text(text)));
}

// Empty if the key is not of the form that the table has.
std::string key_text(Table table, ByteView key) {
  ByteReader from(key);
  switch (table) {
    case Table::retained:
      return "topic " + in_quotes(key);
    case Table::wills:
      return "client " + in_quotes(key);
    case Table::meta:
      return in_quotes(key);
    case Table::sessions:
    case Table::subscriptions:
    case Table::exchanges:
      break;
  }
  std::string text = fmt::format("session {}", from.number64());
  if (table == Table::subscriptions) {
    text += ", filter " + in_quotes(from.rest());
  } else if (table == Table::exchanges) {
    const std::uint8_t mark = from.number8();
    if (mark == kIncomingMark) {
      text += fmt::format(", incoming packet identifier {}", from.number16());
    } else if (mark == kOutgoingMark) {
      text += fmt::format(", outgoing position {}", from.number64());
    } else {
      return {};
    }
  }
  return from.ok() && from.empty() ? text : std::string();
}

std::string why(ByteView bytes, std::uint8_t known) {
  if (bytes.empty() || bytes[0] <= known) return "is damaged";
  return fmt::format("has layout {}, this program knows up to {}", bytes[0], known);
}

}  // namespace

std::string place_of(store::Position position) {
  return fmt::format("log record {}", position);
}

std::string place_of(Table table, ByteView key) {
  const std::string text = key_text(table, key);
  return fmt::format("{}, {}", table_name(table), text.empty() ? in_hexadecimal(key) : text);
}

std::string why_unknown(ByteView bytes) {
  return why(bytes, kRecordLayout);
}

std::string why_unknown(Table table, ByteView bytes) {
  return why(bytes, table == Table::sessions || table == Table::subscriptions ? kNewestLayout : kRecordLayout);
}

}  // namespace martlet::server
