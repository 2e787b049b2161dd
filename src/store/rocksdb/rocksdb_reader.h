// The read side on an opened database.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "store/backend.h"
#include "store/rocksdb/database.h"

namespace martlet::store {

// Shared by readers and the one who writes: the database, which a recovery may replace, and the log's bounds.
class OpenDatabase {
 public:
  OpenDatabase(std::shared_ptr<Database> database, Position first, Position end)
      : database_(std::move(database)), first_(first), end_(end) {}

  // nullptr while it is being opened again after an error. Who holds it keeps it open.
  std::shared_ptr<Database> get() const {
    const std::lock_guard lock(mutex_);
    return database_;
  }
  void replace(std::shared_ptr<Database> database) {
    const std::lock_guard lock(mutex_);
    database_.swap(database);
  }
  Position first() const { return first_.load(std::memory_order_acquire); }
  Position end() const { return end_.load(std::memory_order_acquire); }
  void set_first(Position first) { first_.store(first, std::memory_order_release); }
  void set_end(Position end) { end_.store(end, std::memory_order_release); }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<Database> database_;
  std::atomic<Position> first_;
  std::atomic<Position> end_;
};

// The functions of Reader; any thread.
Result<bool> read_record(const OpenDatabase& open, Position position, std::string& record);
ScanOutcome scan_records(const OpenDatabase& open, Position from, std::size_t max_bytes, const RecordVisitor& visit);
Result<bool> get_value(const OpenDatabase& open, Table table, ByteView key, std::string& value);
Result<void> scan_pairs(const OpenDatabase& open, Table table, ByteView prefix, const PairVisitor& visit);
std::uint64_t log_bytes(const OpenDatabase& open, Position from);
std::uint64_t occupied_bytes(const OpenDatabase& open);

}  // namespace martlet::store
