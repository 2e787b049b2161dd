#include "wire/connect_peek.h"

#include <optional>

namespace martlet::wire {
namespace {

// Reads as far as there are bytes: a field is missing for good, or has not arrived yet.
class Peek {
 public:
  explicit Peek(ByteView bytes) : rest_(bytes) {}

  std::optional<std::uint8_t> byte() {
    if (rest_.empty()) return std::nullopt;
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  std::optional<ByteView> take(std::size_t count) {
    if (rest_.size() < count) return std::nullopt;
    const ByteView taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  // With its two bytes of length.
  std::optional<ByteView> binary() {
    const auto length = take(2);
    return length ? take(static_cast<std::size_t>((*length)[0] << 8 | (*length)[1])) : std::nullopt;
  }
  // `too_long` if it has more than four bytes [MQTT-1.5.5-1].
  std::optional<std::uint32_t> variable(bool& too_long) {
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
      const auto next = byte();
      if (!next) return std::nullopt;
      value |= static_cast<std::uint32_t>(*next & 0x7F) << shift;
      if ((*next & 0x80) == 0) return value;
    }
    too_long = true;
    return std::nullopt;
  }
  std::size_t left() const { return rest_.size(); }
  void cut_to(std::size_t count) { rest_ = rest_.first(count); }

 private:
  ByteView rest_;
};

struct Fields {
  bool v5 = false;
  std::uint8_t flags = 0;
  std::optional<std::string_view> client_id;
};

bool skip_properties(Peek& in, const Fields& fields, bool& hopeless) {
  if (!fields.v5) return true;
  const auto size = in.variable(hopeless);
  return size && in.take(*size);
}

// Behind the fixed header, up to the client identifier and with it.
void read_client_id(Peek& in, bool& hopeless, Fields& fields) {
  constexpr std::uint8_t kVersion5 = 5;
  if (!in.binary()) return;
  const auto level = in.byte();
  const auto flags = in.byte();
  if (!level || !flags || !in.take(2)) return;  // the keep alive
  fields.v5 = *level == kVersion5;
  fields.flags = *flags;
  if (!skip_properties(in, fields, hopeless)) return;
  if (const auto found = in.binary()) fields.client_id = as_text(*found);
}

// Behind the client identifier.
std::optional<std::string_view> read_user_name(Peek& in, bool& hopeless, const Fields& fields) {
  constexpr std::uint8_t kWill = 0x04;
  constexpr std::uint8_t kUserName = 0x80;
  if ((fields.flags & kUserName) == 0) {
    hopeless = true;
    return std::nullopt;
  }
  if ((fields.flags & kWill) != 0 && (!skip_properties(in, fields, hopeless) || !in.binary() || !in.binary())) {
    return std::nullopt;
  }
  const auto found = in.binary();
  return found ? std::optional(as_text(*found)) : std::nullopt;
}

ConnectPeek peek(ByteView bytes, bool user_name, std::string_view& text, std::size_t most_bytes) {
  constexpr std::uint8_t kConnect = 0x10;
  constexpr std::uint8_t kLongestName = 6;
  Peek in(bytes);
  const auto first = in.byte();
  if (!first) return ConnectPeek::need_more;
  if (*first != kConnect) return ConnectPeek::hopeless;
  bool hopeless = false;
  const auto length = in.variable(hopeless);
  if (!length) return hopeless ? ConnectPeek::hopeless : ConnectPeek::need_more;
  if (*length > most_bytes) return ConnectPeek::hopeless;
  // Not MQTT: nobody should have to send megabytes before that is said.
  Peek name = in;
  if (const auto size = name.take(2); size && ((*size)[0] != 0 || (*size)[1] > kLongestName)) {
    return ConnectPeek::hopeless;
  }
  const bool whole = in.left() >= *length;
  if (whole) in.cut_to(*length);
  Fields fields;
  read_client_id(in, hopeless, fields);
  std::optional<std::string_view> found = fields.client_id;
  if (found && user_name) found = read_user_name(in, hopeless, fields);
  if (found) {
    text = *found;
    return ConnectPeek::found;
  }
  return whole || hopeless ? ConnectPeek::hopeless : ConnectPeek::need_more;
}

}  // namespace

ConnectPeek peek_client_id(ByteView bytes, std::string_view& client_id, std::size_t most_bytes) {
  return peek(bytes, false, client_id, most_bytes);
}

ConnectPeek peek_user_name(ByteView bytes, std::string_view& user_name, std::size_t most_bytes) {
  return peek(bytes, true, user_name, most_bytes);
}

}  // namespace martlet::wire
