#include "store/rocksdb/open.h"

#include <memory>
#include <utility>

#include "store/rocksdb/database.h"
#include "store/rocksdb/rocksdb_backend.h"
#include "store/rocksdb/rocksdb_reader.h"
#include "store/rocksdb/wal_scan.h"

namespace martlet::store {
namespace {

class ReadOnly final : public Inspected {
 public:
  ReadOnly(std::shared_ptr<Database> database, Position first, Position end) : open_(std::move(database), first, end) {}

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
  std::vector<StoreFile> files() const override { return open_.get()->files(); }
  Result<void> verify(const StoreFile& file) const override {
    return file.table.empty() ? Result<void>() : open_.get()->verify(file.name);
  }

 private:
  const OpenDatabase open_;
};

// Makes a T of an opened database and the log's bounds in it.
template <class Make>
auto with_bounds(Result<std::shared_ptr<Database>> database, Make&& make)
    -> Result<decltype(make(nullptr, Position{}, Position{}))> {
  if (!database) return tl::unexpected(database.error());
  const Result<Position> first = (*database)->stored_first();
  if (!first) return tl::unexpected(first.error());
  const Result<Position> end = (*database)->stored_end(*first);
  if (!end) return tl::unexpected(end.error());
  return make(std::move(*database), *first, *end);
}

}  // namespace

Result<std::unique_ptr<Backend>> open_rocksdb(const RocksdbOptions& options) {
  return with_bounds(Database::open(options), [&](std::shared_ptr<Database> database, Position first, Position end) {
    return std::unique_ptr<Backend>(std::make_unique<RocksdbBackend>(options, std::move(database), first, end));
  });
}

std::optional<std::string> damaged_end(const RocksdbOptions& options) {
  const auto damage = wal_damage(options.env ? *options.env : *rocksdb::Env::Default(), options.path);
  if (!damage || !damage->writes_follow || damage->file.empty()) return std::nullopt;
  return damage->text();
}

Result<std::unique_ptr<Inspected>> open_rocksdb_read_only(const RocksdbOptions& options) {
  return with_bounds(Database::open_read_only(options),
                     [](std::shared_ptr<Database> database, Position first, Position end) {
                       return std::unique_ptr<Inspected>(std::make_unique<ReadOnly>(std::move(database), first, end));
                     });
}

}  // namespace martlet::store
