#include "store/rocksdb/database.h"

#include <fmt/format.h>
#include <rocksdb/sst_file_reader.h>

#include <algorithm>
#include <memory>
#include <optional>
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

Error open_error(const RocksdbOptions& options, const rocksdb::Status& status, const std::optional<WalDamage>& damage) {
  if (status.IsIOError() && (says(status, "/LOCK") || says(status, "lock hold"))) {
    return {fmt::format("store {}: another process has it open", options.path), 0};
  }
  Error error = error_of(options.path, "open", status);
  if (damage && !damage->file.empty()) {
    error.message = fmt::format("store {}: its {}, with later writes behind", options.path, damage->text());
  }
  return error;
}

// Opens with `try_open(settings)`. When a power cut tore the last write, which nobody was told to be durable, opens
// without it; without all from there on, where nothing was synced in time.
template <class TryOpen>
Result<void> open_past_torn_end(const RocksdbOptions& options, rocksdb::DBOptions settings, TryOpen&& try_open) {
  rocksdb::Status status = try_open(settings);
  if (status.ok()) return {};
  std::optional<WalDamage> damage;
  if (status.IsCorruption()) {
    damage = wal_damage(env_of(options), options.path);
    if (damage && (!damage->writes_follow || options.unsynced_end)) {
      settings.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
      status = try_open(settings);
      if (status.ok()) return {};
      damage.reset();
    }
  }
  return tl::unexpected(open_error(options, status, damage));
}

}  // namespace

Result<std::shared_ptr<Database>> Database::open(const RocksdbOptions& options) {
  if (const Result<void> claimed = claim_directory(env_of(options), options.path, true); !claimed) {
    return tl::unexpected(claimed.error());
  }
  const rocksdb::DBOptions settings = database_settings(options);
  if (const Result<void> known = check_tables(options, settings); !known) return tl::unexpected(known.error());
  std::shared_ptr<Database> database(new Database);
  database->path_ = options.path;
  const auto try_open = [&](const rocksdb::DBOptions& with) {
    return rocksdb::DB::Open(with, options.path, family_settings(options, database->filter_), &database->families_,
                             &database->db_);
  };
  if (const Result<void> opened = open_past_torn_end(options, settings, try_open); !opened) {
    return tl::unexpected(opened.error());
  }
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
  const auto try_open = [&](rocksdb::DBOptions with) {
    const auto open_with = [&] {
      return rocksdb::DB::OpenForReadOnly(with, options.path, family_settings(options, database->filter_),
                                          &database->families_, &database->db_);
    };
    rocksdb::Status status = open_with();
    if (!status.IsCorruption() || wal_damage(env_of(options), options.path)) return status;
    // A table's file that cannot be used at all: the others can be looked at. (Without these checks damage in the
    // write-ahead log would be passed over too; there is none.)
    with.paranoid_checks = false;
    return open_with();
  };
  if (const Result<void> opened = open_past_torn_end(options, settings, try_open); !opened) {
    return tl::unexpected(opened.error());
  }
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
  if (at->status().IsCorruption()) return end_behind_damage(first);
  if (!at->status().ok()) return tl::unexpected(error_of(path_, "find the end of the log", at->status()));
  if (!at->Valid()) return first;
  const std::optional<Position> last = PositionKey::parse(at->key());
  if (!last) return fail(fmt::format("store {}: the log's last key is damaged", path_));
  return std::max(*last + 1, first);
}

// The last block of a file cannot be read; its last key is known all the same, and what is not in files yet is behind.
Result<Position> Database::end_behind_damage(Position first) const {
  Position end = first;
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  for (const rocksdb::LiveFileMetaData& file : files) {
    if (file.column_family_name != kLogFamily) continue;
    if (const std::optional<Position> last = PositionKey::parse(file.largestkey)) end = std::max(end, *last + 1);
  }
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(rocksdb::ReadOptions(), log()));
  for (at->Seek(PositionKey(end).slice()); at->Valid(); at->Next()) {
    const std::optional<Position> position = PositionKey::parse(at->key());
    if (!position) return fail(fmt::format("store {}: the log's last key is damaged", path_));
    end = *position + 1;
  }
  // A file that cannot be used at all, which only inspection opens: what was not written to files stays hidden then.
  if (at->status().IsCorruption()) return end;
  if (!at->status().ok()) return tl::unexpected(error_of(path_, "find the end of the log", at->status()));
  return end;
}

std::vector<StoreFile> Database::files() const {
  std::vector<rocksdb::LiveFileMetaData> live;
  db_->GetLiveFilesMetaData(&live);
  std::vector<StoreFile> files;
  files.reserve(live.size());
  for (const rocksdb::LiveFileMetaData& file : live) {
    files.push_back({file.relative_filename, file.column_family_name, file.size, file.num_entries});
  }
  rocksdb::VectorLogPtr wals;
  if (db_->GetSortedWalFiles(wals).ok()) {
    for (const auto& wal : wals) files.push_back({wal->PathName().substr(1), {}, wal->SizeFileBytes(), 0});
  }
  std::ranges::sort(files, {}, &StoreFile::name);
  return files;
}

Result<void> Database::verify(const std::string& file) const {
  const std::string path = fmt::format("{}/{}", path_, file);
  rocksdb::SstFileReader reader(db_->GetOptions(own()));
  rocksdb::Status status = reader.Open(path);
  if (status.ok()) status = reader.VerifyChecksum();
  if (!status.ok()) return tl::unexpected(error_of(path_, "read " + file, status));
  return {};
}

}  // namespace martlet::store
