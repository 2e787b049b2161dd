#include "store/rocksdb/database.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "store/rocksdb/directory.h"
#include "store/rocksdb/layout.h"
#include "store/rocksdb/settings.h"
#include "store/rocksdb/wal_scan.h"

namespace martlet::store {
namespace {

rocksdb::Env& env_of(const RocksdbOptions& options) {
  return options.env ? *options.env : *rocksdb::Env::Default();
}

bool says(const rocksdb::Status& status, std::string_view word) {
  return status.ToString().find(word) != std::string::npos;
}

// A table that this program does not know must not be opened around: its records would keep the write-ahead log alive.
Result<void> check_tables(const RocksdbOptions& options, const rocksdb::DBOptions& settings) {
  std::vector<std::string> names;
  if (!rocksdb::DB::ListColumnFamilies(settings, options.path, &names).ok()) return {};  // none yet, or open() says why
  for (const std::string& name : names) {
    const bool known = name == rocksdb::kDefaultColumnFamilyName || name == kLogFamily ||
                       std::ranges::find(kTableNames, name) != kTableNames.end();
    if (known) continue;
    return fail(
        fmt::format("store {}: it has a table '{}' that this program does not know: use the newer martlet that "
                    "wrote it",
                    options.path, name));
  }
  return {};
}

Error open_error(const RocksdbOptions& options, const rocksdb::Status& status) {
  if (status.IsIOError() && (says(status, "/LOCK") || says(status, "lock hold"))) {
    return {fmt::format("store {}: another process has it open", options.path), 0};
  }
  Error error = error_of(options.path, "open", status);
  if (status.IsCorruption() && !options.drop_damaged_end) {
    error.message += "; if the damage is in the write-ahead log, it can be opened without what follows the damage";
  }
  return error;
}

}  // namespace

Result<std::shared_ptr<Database>> Database::open(const RocksdbOptions& options) {
  if (const Result<void> claimed = claim_directory(env_of(options), options.path, true); !claimed) {
    return tl::unexpected(claimed.error());
  }
  rocksdb::DBOptions settings = database_settings(options);
  if (const Result<void> known = check_tables(options, settings); !known) return tl::unexpected(known.error());
  std::shared_ptr<Database> database(new Database);
  database->path_ = options.path;
  const auto try_open = [&] {
    return rocksdb::DB::Open(settings, options.path, family_settings(options, database->filter_), &database->families_,
                             &database->db_);
  };
  rocksdb::Status status = try_open();
  if (status.IsCorruption() && !writes_follow_damage(env_of(options), options.path)) {
    // A power cut tore the last write, which nobody was told to be durable.
    settings.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    status = try_open();
  }
  if (!status.ok()) return tl::unexpected(open_error(options, status));
  return database;
}

Result<std::shared_ptr<Database>> Database::open_read_only(const RocksdbOptions& options) {
  if (const Result<void> claimed = claim_directory(env_of(options), options.path, false); !claimed) {
    return tl::unexpected(claimed.error());
  }
  rocksdb::DBOptions settings = database_settings(options);
  settings.create_if_missing = false;
  settings.create_missing_column_families = false;
  if (const Result<void> known = check_tables(options, settings); !known) return tl::unexpected(known.error());
  std::shared_ptr<Database> database(new Database);
  database->path_ = options.path;
  const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(
      settings, options.path, family_settings(options, database->filter_), &database->families_, &database->db_);
  if (!status.ok()) return tl::unexpected(open_error(options, status));
  return database;
}

Database::~Database() {
  if (!db_) return;
  for (rocksdb::ColumnFamilyHandle* family : families_) db_->DestroyColumnFamilyHandle(family);
  db_->Close();
  delete db_;
}

Result<Position> Database::stored_first() const {
  std::string value;
  const rocksdb::Status status =
      db_->Get(rocksdb::ReadOptions(), own(), rocksdb::Slice(kFirstKey.data(), kFirstKey.size()), &value);
  if (status.IsNotFound()) return 1;
  if (!status.ok()) return tl::unexpected(error_of(path_, "read where the log begins", status));
  const std::optional<Position> first = PositionKey::parse(value);
  if (!first || *first == 0) return fail(fmt::format("store {}: the value of '{}' is damaged", path_, kFirstKey));
  return *first;
}

Result<Position> Database::stored_end(Position first) const {
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(rocksdb::ReadOptions(), log()));
  at->SeekToLast();
  if (!at->status().ok()) return tl::unexpected(error_of(path_, "find the end of the log", at->status()));
  if (!at->Valid()) return first;
  const std::optional<Position> last = PositionKey::parse(at->key());
  if (!last) return fail(fmt::format("store {}: the log's last key is damaged", path_));
  return std::max(*last + 1, first);
}

}  // namespace martlet::store
