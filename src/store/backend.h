// What keeps the bytes: store/rocksdb and store/memory implement this, Store and its Committer drive it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "store/batch.h"
#include "store/types.h"

namespace martlet::store {

// Views live for the call. False ends the scan behind this record or pair.
using RecordVisitor = std::function<bool(Position position, ByteView record)>;
using PairVisitor = std::function<bool(ByteView key, ByteView value)>;

struct ScanOutcome {
  // Where to read on: behind the last record visited, or end() when there is none behind it. When there is an error,
  // the record that cannot be read is there or behind the hole that begins there.
  Position next = 0;
  // Set when the record at `next` is damaged or cannot be read now. Whoever wants to skip it scans from next + 1 on,
  // after having said so to a person.
  std::optional<Error> error;
};

// The read side. Any thread, while another commits. Only what was committed is seen: in no case a part of a batch, and
// nothing of the open batch or of those that wait.
class Reader {
 public:
  virtual ~Reader() = default;

  // The lowest position that was not trimmed; equal to end() when the log is empty.
  virtual Position first() const = 0;
  // Behind the committed record with the highest position, whoever wrote it. Positions below may be holes: they were
  // never used, or what another writer appends there is not committed yet (see Writer::readable_below()).
  virtual Position end() const = 0;
  // Copies the record at `position`; false if there is none: it was trimmed, or is a hole. An Error when it is damaged.
  virtual Result<bool> read(Position position, std::string& record) const = 0;
  // Visits records by position from `from` (or first(), if that is higher) until end(), until the visitor says false,
  // or until `max_bytes` of records were visited, at least one of them.
  virtual ScanOutcome scan(Position from, std::size_t max_bytes, const RecordVisitor& visit) const = 0;

  // Copies the value of `key`; false if there is none.
  virtual Result<bool> get(Table table, ByteView key, std::string& value) const = 0;
  // Visits the pairs whose key begins with `prefix` (empty: all), in byte order, as they were when the scan began. An
  // Error names the key before the damage.
  virtual Result<void> scan(Table table, ByteView prefix, const PairVisitor& visit) const = 0;

  // About what the log's records from `from` on occupy, for the trim by size.
  virtual std::uint64_t log_bytes(Position from) const = 0;
  // What it occupies on disk or in memory, for people.
  virtual std::uint64_t occupied_bytes() const = 0;
};

// The write side: one thread, the committer's. Doing a group again after an Error gives the same state as doing it
// once.
class Backend : public Reader {
 public:
  // Makes the operations of all batches visible in order, all or none; with `sync`, durable before it returns.
  virtual Result<void> write(std::span<const Batch> group, bool sync) = 0;
  // Makes durable what was written without sync.
  virtual Result<void> sync() = 0;
  // Called before a failed write or sync is tried again: puts right what the error left behind. An Error when that is
  // not possible yet.
  virtual Result<void> recover() = 0;
  // Called when nothing waits to be written: housekeeping that would delay a write.
  virtual void idle() = 0;
  // Called once behind the last write; prepares for a quick opening.
  virtual Result<void> close() = 0;
};

}  // namespace martlet::store
