// One core's way into the store: it collects the operations of a turn and submits them as one atomic batch.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/durability.h"
#include "base/ticket.h"
#include "store/backend.h"
#include "store/batch.h"
#include "store/committer.h"
#include "store/positions.h"
#include "store/types.h"

namespace martlet::store {

// Owned by its Store. All functions but resolved(): one thread, its core's. Each call that writes copies its bytes;
// none waits for the disk. Apart from the others' cache lines.
class alignas(64) Writer {
 public:
  // `log`: as it was opened. Committer and positions outlive the writer.
  Writer(Committer& committer, Positions& positions, std::uint32_t index, const Reader& log);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Adds a record to the log, at next(). Its position is final even while the store is failing.
  Position append(ByteView record);
  // Sets or removes the value of `key`, which is not empty and which no other writer uses.
  void put(Table table, ByteView key, ByteView value);
  void erase(Table table, ByteView key);
  // As these, of a key that several writers use: the order of the calls holds, whoever makes them, so the caller keeps
  // them apart by a lock of its own. They may be committed before the rest of the open batch, never behind it. A key is
  // used either this way or the other.
  void put_shared(Table table, ByteView key, ByteView value);
  void erase_shared(Table table, ByteView key);
  // Says that nothing below `below`, which is at most next(), is needed by this writer's core. The log is trimmed below
  // the lowest position that any writer still needs; to begin with each needs all of it. A lower `below` than before
  // changes nothing.
  void trim(Position below);

  // The position that the next append() gets. Positions of one writer rise, those of several are unique.
  Position next() const { return next_; }
  // Lets next() catch up with the positions that other writers have used meanwhile, so that positions follow time: call
  // it now and then, not between next() and an append() that relies on it. Leaves a hole in the log if it does.
  void renew() {
    if (positions_.overtaken(chunk_)) take_chunk();
  }

  // From now on next() is above `position`, which another writer has handed out.
  void pass(Position position) {
    if (next_ <= position) take_chunk();
  }

  // What an acknowledgement that stands for all operations so far waits for, to the degree that `level` says; done()
  // when that is nothing. `messages` may be acknowledged with it: until they are synced they count in
  // CommitMetrics::unsafe_messages. They have operations in the open batch. A ticket means this writer's resolved().
  Ticket ticket(Durability level, std::uint32_t messages = 0);
  // Hands the open batch to the committer: at the end of a turn. Nothing happens if it is empty. A batch for which no
  // ticket was taken at Durability::fsync is synced within the interval.
  void submit();

  // What Ticket::resolved() asks for. Grows only. Any thread.
  std::uint64_t resolved() const { return committer_.resolved(index_); }
  // What this writer appended below it can be read back: the first position that is not committed yet, or next().
  Position readable_below() const { return last_append_ <= resolved() ? next_ : committer_.committed_below(index_); }
  // Behind the last record that it appended or, without one, that the log had when it was opened.
  Position appended_end() const { return appended_end_; }

 private:
  friend class Store;
  bool has_operations() const { return !open_.empty() || needs_from_ != 0 || shared_; }
  bool nothing_open() const { return !has_operations() && !promises_.sync; }
  void take_chunk();
  // See Store::skip_to().
  void skip_to(Position position);

  Committer& committer_;
  Positions& positions_;
  const std::uint32_t index_;
  Batch open_;
  Promises promises_;              // of the open batch
  Position needs_from_ = 0;        // as trim() said since the last submit(); 0: nothing
  bool shared_ = false;            // something was shared since the last submit()
  std::uint64_t submitted_ = 0;    // number of the last batch submitted
  std::uint64_t sync_asked_ = 0;   // number of the last one of them that asks for its sync
  std::uint64_t last_append_ = 0;  // number of the last one, or the open one, that has a record
  Position chunk_ = 0;             // where the chunk of next_ begins
  Position next_ = 0;
  Position appended_end_;
  Position needed_from_;  // as trim() said
};

}  // namespace martlet::store
