// RocksDB's options as the store wants them, and its status in our words.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/rocksdb/log_filter.h"
#include "store/rocksdb/options.h"

namespace martlet::store {

rocksdb::DBOptions database_settings(const RocksdbOptions& options);
// The default family, the log, then the tables in the order of Table.
std::vector<rocksdb::ColumnFamilyDescriptor> family_settings(const RocksdbOptions& options,
                                                             std::shared_ptr<LogFilterFactory> filter);

// "store <path>: cannot <what>: <status>", with the errno if the status tells it.
Error error_of(const std::string& path, std::string_view what, const rocksdb::Status& status);

}  // namespace martlet::store
