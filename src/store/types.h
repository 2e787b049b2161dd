// Names that all of the store shares.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace martlet::store {

// Place of a record in the log: counted from 1, with holes. 0 is no position.
using Position = std::uint64_t;

// Keyed state, one key space each. The names are part of the format: a table is added, never renamed or reused.
enum class Table : std::uint8_t { sessions, subscriptions, exchanges, retained, wills, meta };
inline constexpr std::array<std::string_view, 6> kTableNames = {"sessions", "subscriptions", "exchanges",
                                                                "retained", "wills",         "meta"};
inline constexpr std::size_t kTables = kTableNames.size();

inline constexpr std::string_view table_name(Table table) {
  return kTableNames[static_cast<std::size_t>(table)];
}

// What was promised of the operations of a batch.
struct Promises {
  bool sync = false;  // a ticket waits for their sync
  // Messages whose acknowledgement waits for no sync: those that wait for nothing, and those that wait for the write.
  std::uint32_t free_at_once = 0;
  std::uint32_t free_when_written = 0;
};

}  // namespace martlet::store
