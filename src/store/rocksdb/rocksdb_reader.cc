#include "store/rocksdb/rocksdb_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "store/rocksdb/layout.h"
#include "store/rocksdb/settings.h"

namespace martlet::store {
namespace {

Error closed_error() {
  return {"the store is being opened again after a disk error"};
}

// A key as a person may find it again: text as it is, other bytes as \xNN.
std::string printable(ByteView key) {
  std::string text;
  for (const std::uint8_t byte : key) {
    const bool plain = byte >= 0x20 && byte < 0x7f && byte != '\\' && byte != '\'';
    text += plain ? std::string(1, static_cast<char>(byte)) : fmt::format("\\x{:02x}", byte);
  }
  return text;
}

Error record_error(const Database& database, Position position, const rocksdb::Status& status) {
  return error_of(database.path(), fmt::format("read log record {}", position), status);
}

Error key_error(const Database& database, Position position) {
  return {fmt::format("store {}: a key of the log at or behind record {} is damaged", database.path(), position)};
}

// The lowest key above all that begin with `prefix`; nothing if there is none.
std::optional<std::string> end_of_prefix(ByteView prefix) {
  std::string end(as_text(prefix));
  while (!end.empty() && static_cast<std::uint8_t>(end.back()) == 0xff) end.pop_back();
  if (end.empty()) return std::nullopt;
  end.back() = static_cast<char>(static_cast<std::uint8_t>(end.back()) + 1);
  return end;
}

}  // namespace

Result<bool> read_record(const OpenDatabase& open, Position position, std::string& record) {
  if (position < open.first() || position >= open.end()) return false;
  const std::shared_ptr<Database> database = open.get();
  if (!database) return tl::unexpected(closed_error());
  const rocksdb::Status status =
      database->db().Get(rocksdb::ReadOptions(), database->log(), PositionKey(position).slice(), &record);
  if (status.ok()) return true;
  if (status.IsNotFound()) return false;
  return tl::unexpected(record_error(*database, position, status));
}

ScanOutcome scan_records(const OpenDatabase& open, Position from, std::size_t max_bytes, const RecordVisitor& visit) {
  ScanOutcome outcome;
  outcome.next = std::max(from, open.first());
  const Position end = open.end();
  if (outcome.next >= end) return outcome;
  const std::shared_ptr<Database> database = open.get();
  if (!database) return {outcome.next, closed_error()};

  rocksdb::ReadOptions options;
  options.fill_cache = false;  // whoever scans reads each record once
  const PositionKey end_key(end);
  const rocksdb::Slice end_slice = end_key.slice();
  options.iterate_upper_bound = &end_slice;
  const std::unique_ptr<rocksdb::Iterator> at(database->db().NewIterator(options, database->log()));
  std::size_t bytes = 0;
  for (at->Seek(PositionKey(outcome.next).slice()); at->Valid(); at->Next()) {
    const std::optional<Position> position = PositionKey::parse(at->key());
    if (!position) return {outcome.next, key_error(*database, outcome.next)};
    const ByteView record = view_of(at->value());
    bytes += record.size();
    outcome.next = *position + 1;
    if (!visit(*position, record) || bytes >= max_bytes) return outcome;
  }
  if (at->status().ok()) {
    outcome.next = end;
  } else if (outcome.next < open.first()) {
    outcome.next = open.first();  // a trim has overtaken the scan
  } else {
    outcome.error = record_error(*database, outcome.next, at->status());
  }
  return outcome;
}

Result<bool> get_value(const OpenDatabase& open, Table table, ByteView key, std::string& value) {
  const std::shared_ptr<Database> database = open.get();
  if (!database) return tl::unexpected(closed_error());
  const rocksdb::Status status =
      database->db().Get(rocksdb::ReadOptions(), database->table(table), slice_of(key), &value);
  if (status.ok()) return true;
  if (status.IsNotFound()) return false;
  const std::string what = fmt::format("read '{}' in {}", printable(key), table_name(table));
  return tl::unexpected(error_of(database->path(), what, status));
}

Result<void> scan_pairs(const OpenDatabase& open, Table table, ByteView prefix, const PairVisitor& visit) {
  const std::shared_ptr<Database> database = open.get();
  if (!database) return tl::unexpected(closed_error());
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  const std::optional<std::string> end = end_of_prefix(prefix);
  const rocksdb::Slice end_slice = end ? rocksdb::Slice(*end) : rocksdb::Slice();
  if (end) options.iterate_upper_bound = &end_slice;
  const std::unique_ptr<rocksdb::Iterator> at(database->db().NewIterator(options, database->table(table)));
  std::string last;
  for (at->Seek(slice_of(prefix)); at->Valid(); at->Next()) {
    if (!visit(view_of(at->key()), view_of(at->value()))) return {};
    last.assign(at->key().data(), at->key().size());
  }
  if (at->status().ok()) return {};
  const std::string what = fmt::format("read {} behind '{}'", table_name(table), printable(as_bytes(last)));
  return tl::unexpected(error_of(database->path(), what, at->status()));
}

std::uint64_t log_bytes(const OpenDatabase& open, Position from) {
  const std::shared_ptr<Database> database = open.get();
  if (!database) return 0;
  const PositionKey begin(std::max(from, open.first()));
  const PositionKey end(open.end());
  const rocksdb::Range range(begin.slice(), end.slice());
  rocksdb::SizeApproximationOptions options;
  options.include_memtables = true;
  options.include_files = true;
  std::uint64_t bytes = 0;
  return database->db().GetApproximateSizes(options, database->log(), &range, 1, &bytes).ok() ? bytes : 0;
}

std::uint64_t occupied_bytes(const OpenDatabase& open) {
  const std::shared_ptr<Database> database = open.get();
  if (!database) return 0;
  std::uint64_t total = 0;
  for (rocksdb::ColumnFamilyHandle* family : database->families()) {
    std::uint64_t bytes = 0;
    if (database->db().GetIntProperty(family, rocksdb::DB::Properties::kTotalSstFilesSize, &bytes)) total += bytes;
  }
  rocksdb::VectorLogPtr wals;
  if (database->db().GetSortedWalFiles(wals).ok()) {
    for (const auto& wal : wals) total += wal->SizeFileBytes();
  }
  return total;
}

}  // namespace martlet::store
