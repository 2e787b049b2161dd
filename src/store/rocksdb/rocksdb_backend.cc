#include "store/rocksdb/rocksdb_backend.h"

#include <fmt/format.h>
#include <rocksdb/convenience.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <utility>

#include "env/posix/measure.h"
#include "store/rocksdb/layout.h"
#include "store/rocksdb/settings.h"

namespace martlet::store {
namespace {

// Under steady load old files are looked for this often; when nothing waits, at once.
constexpr std::uint64_t kPurgeIntervalNs = 1'000'000'000;

Error closed_error() {
  return {"the store is closed"};
}

// What a group does to the log's bounds.
struct Bounds {
  Position first;
  Position end;
};

rocksdb::Status add(rocksdb::WriteBatch& target, const Database& database, const Operation& operation, Bounds& bounds) {
  switch (operation.kind) {
    case Operation::Kind::append:
      bounds.end = std::max(bounds.end, operation.position + 1);
      return target.Put(database.log(), PositionKey(operation.position).slice(), slice_of(operation.value));
    case Operation::Kind::put:
      return target.Put(database.table(operation.table), slice_of(operation.key), slice_of(operation.value));
    case Operation::Kind::erase:
      return target.Delete(database.table(operation.table), slice_of(operation.key));
    case Operation::Kind::trim:
      bounds.first = std::max(bounds.first, operation.position);
      bounds.end = std::max(bounds.end, bounds.first);
      return rocksdb::Status::OK();
  }
  return rocksdb::Status::NotSupported();
}

}  // namespace

RocksdbBackend::RocksdbBackend(RocksdbOptions options, std::shared_ptr<Database> database, Position first, Position end)
    : options_(std::move(options)), open_(std::move(database), first, end), synced_first_(first) {
  mark_synced();
}

Result<void> RocksdbBackend::write(std::span<const Batch> group, bool sync) {
  const std::shared_ptr<Database> database = open_.get();
  if (!database) return tl::unexpected(closed_error());
  std::size_t bytes = 64;
  for (const Batch& batch : group) bytes += batch.bytes();
  rocksdb::WriteBatch all(bytes);
  const Bounds before{open_.first(), open_.end()};
  Bounds bounds = before;
  rocksdb::Status status;
  for (const Batch& batch : group) {
    batch.for_each([&](const Operation& operation) {
      if (status.ok()) status = add(all, *database, operation, bounds);
    });
  }
  if (status.ok() && bounds.first != before.first) {
    const rocksdb::Slice key(kFirstKey.data(), kFirstKey.size());
    status = all.Put(database->own(), key, PositionKey(bounds.first).slice());
  }
  rocksdb::WriteOptions options;
  options.sync = sync;
  if (status.ok()) status = database->db().Write(options, &all);
  if (!status.ok()) {
    write_error_ = error_of(options_.path, "write", status);
    return tl::unexpected(write_error_);
  }
  open_.set_end(bounds.end);
  open_.set_first(bounds.first);
  if (sync) mark_synced();
  if (synced_first_ > purged_first_ && env::posix::monotonic_ns() - purged_ns_ > kPurgeIntervalNs) purge();
  return {};
}

Result<void> RocksdbBackend::sync() {
  const std::shared_ptr<Database> database = open_.get();
  if (!database) return tl::unexpected(closed_error());
  const rocksdb::Status status = database->db().SyncWAL();
  if (!status.ok()) {
    write_error_ = error_of(options_.path, "sync", status);
    return tl::unexpected(write_error_);
  }
  mark_synced();
  return {};
}

void RocksdbBackend::mark_synced() {
  synced_first_ = open_.first();
  if (const std::shared_ptr<Database> database = open_.get()) database->filter().drop_below(synced_first_);
}

void RocksdbBackend::idle() {
  if (synced_first_ > purged_first_) purge();
}

void RocksdbBackend::purge() {
  purged_ns_ = env::posix::monotonic_ns();
  const std::shared_ptr<Database> database = open_.get();
  if (!database) return;
  const PositionKey end(synced_first_);
  const rocksdb::Slice end_slice = end.slice();
  // What fails here is found again by the next purge: nothing is lost but some disk for a while.
  if (rocksdb::DeleteFilesInRange(&database->db(), database->log(), nullptr, &end_slice, false).ok()) {
    purged_first_ = synced_first_;
  }
}

rocksdb::Status RocksdbBackend::flush(const Database& database, bool wait) {
  rocksdb::FlushOptions options;
  options.wait = wait;
  options.allow_write_stall = true;
  return database.db().Flush(options, database.families());
}

Result<void> RocksdbBackend::recover() {
  rocksdb::Status status;
  if (const std::shared_ptr<Database> database = reopen_needed_ ? nullptr : open_.get()) {
    // Writes the buffers to files and begins a new write-ahead log behind the torn one.
    status = database->db().Resume();
    if (status.ok()) return {};
    // A full disk RocksDB polls itself, each 5 s, and is busy until there is room; readers keep what is open. Other
    // errors stay until the database is opened anew.
    if (status.IsBusy()) return tl::unexpected(write_error_);
    if (status.IsNoSpace()) return tl::unexpected(error_of(options_.path, "write", status));
  }
  return reopen();
}

Result<void> RocksdbBackend::reopen() {
  reopen_needed_ = true;
  open_.replace(nullptr);
  Result<std::shared_ptr<Database>> database = Database::open(options_);
  if (!database) return tl::unexpected(database.error());
  (*database)->filter().drop_below(synced_first_);
  // What was written without a sync before the error is made durable now.
  const rocksdb::Status flushed = flush(**database, true);
  if (!flushed.ok()) return tl::unexpected(error_of(options_.path, "write", flushed));
  open_.replace(std::move(*database));
  reopen_needed_ = false;
  return {};
}

Result<void> RocksdbBackend::close() {
  const std::shared_ptr<Database> database = open_.get();
  if (!database) return {};
  purge();
  // Nothing is left in the write-ahead log to be read at the next opening.
  const rocksdb::Status status = flush(*database, true);
  open_.replace(nullptr);
  if (!status.ok()) return tl::unexpected(error_of(options_.path, "close", status));
  return {};
}

}  // namespace martlet::store
