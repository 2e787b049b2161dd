#include "store/rocksdb/settings.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <memory>

#include "store/rocksdb/layout.h"

namespace martlet::store {
namespace {

// In place of RocksDB's file LOG: that lies on the same disk, and Debian's RocksDB, built with its assertions, ends the
// process at the second line that a full disk does not take.
class SilentLogger : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::CompressionType compression() {
  const auto supported = rocksdb::GetSupportedCompressions();
  const bool lz4 = std::ranges::find(supported, rocksdb::kLZ4Compression) != supported.end();
  return lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
}

// Keys only ever grow: with the same compression on all levels files move down without being rewritten.
rocksdb::ColumnFamilyOptions log_settings(const RocksdbOptions& options, std::shared_ptr<LogFilterFactory> filter,
                                          const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions settings;
  settings.write_buffer_size = options.log_buffer_bytes;
  settings.max_write_buffer_number = 3;
  settings.compression = compression();
  settings.level_compaction_dynamic_level_bytes = true;
  // DeleteFilesInRange leaves the first level alone, so files should not stay there.
  settings.level0_file_num_compaction_trigger = 2;
  settings.target_file_size_base = options.log_buffer_bytes * 2;
  settings.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(1));
  settings.compaction_filter_factory = std::move(filter);
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = 16u << 10;
  settings.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return settings;
}

rocksdb::ColumnFamilyOptions table_settings(const RocksdbOptions& options,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions settings;
  settings.write_buffer_size = options.table_buffer_bytes;
  settings.max_write_buffer_number = 3;
  settings.compression = compression();
  settings.level_compaction_dynamic_level_bytes = true;
  settings.max_bytes_for_level_base = options.table_buffer_bytes * 8;
  settings.target_file_size_base = options.table_buffer_bytes * 2;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  settings.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return settings;
}

}  // namespace

// Asked by ThreadSanitizer, if that is linked: Debian's RocksDB is not built for it, so its atomics are not seen and
// each read beside a write looks like a race.
extern "C" const char* __tsan_default_suppressions();   // NOLINT(bugprone-reserved-identifier)
extern "C" const char* __tsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
  return "race:librocksdb\n";
}

rocksdb::DBOptions database_settings(const RocksdbOptions& options) {
  rocksdb::DBOptions settings;
  settings.create_if_missing = true;
  settings.create_missing_column_families = true;
  if (options.env) settings.env = options.env;
  // Refuses damage in the middle of what was synced, where RocksDB's own default would silently stop reading before it.
  settings.wal_recovery_mode = options.drop_damaged_end ? rocksdb::WALRecoveryMode::kPointInTimeRecovery
                                                        : rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  settings.max_total_wal_size = options.max_wal_bytes;
  settings.wal_bytes_per_sync = options.bytes_per_sync;
  settings.bytes_per_sync = options.bytes_per_sync;
  settings.avoid_unnecessary_blocking_io = true;     // files are unlinked in the background, not by the committer
  settings.allow_concurrent_memtable_write = false;  // one writer: cheaper without, and the insert hint needs it
  settings.enable_write_thread_adaptive_yield = false;
  settings.max_background_jobs = 2;
  settings.max_open_files = 256;
  settings.max_manifest_file_size = 8u << 20;
  settings.stats_dump_period_sec = 0;
  settings.stats_persist_period_sec = 0;
  // The committer tries again by itself, so RocksDB must not do so behind its back.
  settings.max_bgerror_resume_count = 0;
  settings.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  settings.info_log = std::make_shared<SilentLogger>();
  return settings;
}

std::vector<rocksdb::ColumnFamilyDescriptor> family_settings(const RocksdbOptions& options,
                                                             std::shared_ptr<LogFilterFactory> filter) {
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(options.cache_bytes, 2);
  const rocksdb::ColumnFamilyOptions table = table_settings(options, cache);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, table);
  families.emplace_back(std::string(kLogFamily), log_settings(options, std::move(filter), cache));
  for (const std::string_view name : kTableNames) families.emplace_back(std::string(name), table);
  return families;
}

Error error_of(const std::string& path, std::string_view what, const rocksdb::Status& status) {
  const int code = status.IsNoSpace() ? ENOSPC : status.IsIOError() ? EIO : 0;
  return {fmt::format("store {}: cannot {}: {}", path, what, status.ToString()), code};
}

}  // namespace martlet::store
