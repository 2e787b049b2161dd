// The store's default backend: RocksDB in one directory. The layout is described in docs/formats/store.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/backend.h"
#include "store/rocksdb/options.h"
#include "store/rocksdb/store_file.h"

namespace martlet::store {

// Opens or creates. An Error when another process has it open, when the directory holds something else, when its format
// is newer than this program, or when it is damaged (with the place).
Result<std::unique_ptr<Backend>> open_rocksdb(const RocksdbOptions& options);

// What is damaged in the write-ahead log with later writes behind it, so that only `drop_damaged_end` opens the store:
// "write-ahead log 000012.log is damaged at byte 700". Nothing if all is well or the damage is elsewhere.
std::optional<std::string> damaged_end(const RocksdbOptions& options);

// What inspection sees besides. Any thread.
class Inspected : public Reader {
 public:
  // Files of the tables and write-ahead logs, by name.
  virtual std::vector<StoreFile> files() const = 0;
  // Reads all of a table's file and compares its checksums; a write-ahead log was read at the opening. An Error names
  // the file and the first damage.
  virtual Result<void> verify(const StoreFile& file) const = 0;
};

// Opens what exists without writing or locking anything: for inspection, while no broker runs on it (one that writes
// removes files under it). A last write that a power cut tore is left out, as open_rocksdb() does.
Result<std::unique_ptr<Inspected>> open_rocksdb_read_only(const RocksdbOptions& options);

}  // namespace martlet::store
