// One file of an opened store, for inspection.
#pragma once

#include <cstdint>
#include <string>

namespace martlet::store {

struct StoreFile {
  std::string name;   // in the directory
  std::string table;  // whose pairs or records it holds; empty for a write-ahead log
  std::uint64_t bytes = 0;
  std::uint64_t entries = 0;  // of a table's file: pairs, dead ones included
};

}  // namespace martlet::store
