// The write side on an opened database: one write batch for a group, trims that free disk, and the way back from
// errors.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "store/backend.h"
#include "store/rocksdb/database.h"
#include "store/rocksdb/rocksdb_reader.h"

namespace martlet::store {

class RocksdbBackend final : public Backend {
 public:
  RocksdbBackend(RocksdbOptions options, std::shared_ptr<Database> database, Position first, Position end);

  Position first() const override { return open_.first(); }
  Position end() const override { return open_.end(); }
  Result<bool> read(Position position, std::string& record) const override {
    return read_record(open_, position, record);
  }
  ScanOutcome scan(Position from, std::size_t max_bytes, const RecordVisitor& visit) const override {
    return scan_records(open_, from, max_bytes, visit);
  }
  Result<bool> get(Table table, ByteView key, std::string& value) const override {
    return get_value(open_, table, key, value);
  }
  Result<void> scan(Table table, ByteView prefix, const PairVisitor& visit) const override {
    return scan_pairs(open_, table, prefix, visit);
  }
  std::uint64_t log_bytes(Position from) const override { return store::log_bytes(open_, from); }
  std::uint64_t occupied_bytes() const override { return store::occupied_bytes(open_); }

  Result<void> write(std::span<const Batch> group, bool sync) override;
  Result<void> sync() override;
  Result<void> recover() override;
  void idle() override;
  Result<void> close() override;

 private:
  // Frees the files that hold only records below the synced trim.
  void purge();
  // All written so far is durable, trims included.
  void mark_synced();
  rocksdb::Status flush(const Database& database, bool wait);
  Result<void> reopen();

  const RocksdbOptions options_;
  OpenDatabase open_;
  Position synced_first_;
  Position purged_first_ = 0;
  std::uint64_t purged_ns_ = 0;
  Error write_error_;  // the last one
  bool reopen_needed_ = false;
};

}  // namespace martlet::store
