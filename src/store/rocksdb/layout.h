// What stands where in the directory: names, keys and fixed values (docs/formats/store.md).
#pragma once

#include <rocksdb/slice.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "store/types.h"

namespace martlet::store {

// The number that a newer, incompatible layout raises.
inline constexpr std::uint32_t kFormatVersion = 1;
// The file that says whose directory it is and in which format; written before anything else.
inline constexpr std::string_view kFormatFile = "FORMAT";
inline constexpr std::string_view kFormatPrefix = "martlet-store ";

// Column families besides the tables. The default one holds the store's own few values.
inline constexpr std::string_view kLogFamily = "log";
inline constexpr std::string_view kFirstKey = "first";

// Eight bytes, the highest first, so that keys sort as positions do.
class PositionKey {
 public:
  explicit PositionKey(Position position) {
    for (std::size_t i = 0; i < sizeof position; ++i) {
      bytes_[i] = static_cast<char>(position >> (8 * (sizeof position - 1 - i)));
    }
  }
  rocksdb::Slice slice() const { return {bytes_.data(), bytes_.size()}; }

  static std::optional<Position> parse(const rocksdb::Slice& key) {
    if (key.size() != sizeof(Position)) return std::nullopt;
    Position position = 0;
    for (std::size_t i = 0; i < key.size(); ++i) position = position << 8 | static_cast<std::uint8_t>(key[i]);
    return position;
  }

 private:
  std::array<char, sizeof(Position)> bytes_;
};

inline rocksdb::Slice slice_of(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline ByteView view_of(const rocksdb::Slice& slice) {
  return {reinterpret_cast<const std::uint8_t*>(slice.data()), slice.size()};
}

}  // namespace martlet::store
