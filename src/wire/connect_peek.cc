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

// Behind the fixed header.
bool find(Peek& in, bool& hopeless, std::string_view& client_id) {
  const auto name = in.binary();
  if (!name) return false;
  const auto level = in.byte();
  // Clean start and the rest, and the keep alive.
  if (!level || !in.take(3)) return false;
  if (*level == 5) {
    const auto properties = in.variable(hopeless);
    if (!properties || !in.take(*properties)) return false;
  }
  const auto found = in.binary();
  if (found) client_id = as_text(*found);
  return found.has_value();
}

}  // namespace

ConnectPeek peek_client_id(ByteView bytes, std::string_view& client_id, std::size_t most_bytes) {
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
  if (find(in, hopeless, client_id)) return ConnectPeek::found;
  return whole || hopeless ? ConnectPeek::hopeless : ConnectPeek::need_more;
}

}  // namespace martlet::wire
