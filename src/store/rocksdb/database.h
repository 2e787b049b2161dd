// One opened RocksDB database with its column families. Closed by the destructor.
#pragma once

#include <rocksdb/db.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/rocksdb/log_filter.h"
#include "store/rocksdb/options.h"
#include "store/rocksdb/store_file.h"
#include "store/types.h"

namespace martlet::store {

class Database {
 public:
  // Checks whose directory it is, then opens it for reading and writing.
  static Result<std::shared_ptr<Database>> open(const RocksdbOptions& options);
  // As open(), but changes and locks nothing.
  static Result<std::shared_ptr<Database>> open_read_only(const RocksdbOptions& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* own() const { return families_[0]; }
  rocksdb::ColumnFamilyHandle* log() const { return families_[1]; }
  rocksdb::ColumnFamilyHandle* table(Table table) const { return families_[2 + static_cast<std::size_t>(table)]; }
  const std::vector<rocksdb::ColumnFamilyHandle*>& families() const { return families_; }
  LogFilterFactory& filter() const { return *filter_; }
  const std::string& path() const { return path_; }

  // The log's bounds as they are on disk: for opening.
  Result<Position> stored_first() const;
  Result<Position> stored_end(Position first) const;

  // See Inspected.
  std::vector<StoreFile> files() const;
  Result<void> verify(const std::string& file) const;

 private:
  Database() = default;
  Result<Position> end_behind_damage(Position first) const;

  std::string path_;
  std::shared_ptr<LogFilterFactory> filter_ = std::make_shared<LogFilterFactory>();
  rocksdb::DB* db_ = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
};

}  // namespace martlet::store
