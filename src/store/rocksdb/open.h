// The store's default backend: RocksDB in one directory. The layout is described in docs/formats/store.md.
#pragma once

#include <memory>

#include "base/result.h"
#include "store/backend.h"
#include "store/rocksdb/options.h"

namespace martlet::store {

// Opens or creates. An Error when another process has it open, when the directory holds something else, when its format
// is newer than this program, or when it is damaged (with the place).
Result<std::unique_ptr<Backend>> open_rocksdb(const RocksdbOptions& options);

// Opens what exists without writing or locking anything: for inspection, best while no broker runs on it.
Result<std::unique_ptr<Reader>> open_rocksdb_read_only(const RocksdbOptions& options);

}  // namespace martlet::store
