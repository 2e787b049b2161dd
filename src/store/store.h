// The durable log and keyed state of one broker: bytes in, bytes out. One thread, the owner, collects operations during
// a turn and submits them as one atomic batch; a committer makes batches durable and says how far it got.
#pragma once

#include <functional>
#include <memory>

#include "base/bytes.h"
#include "base/durability.h"
#include "base/ticket.h"
#include "store/backend.h"
#include "store/batch.h"
#include "store/committer.h"
#include "store/types.h"

namespace martlet::store {

class Store {
 public:
  // Commits in a thread of its own. `options.notify` is called from there.
  static std::unique_ptr<Store> start(std::unique_ptr<Backend> backend, Committer::Options options);
  // Commits only in step(): for the simulator and tests.
  static std::unique_ptr<Store> stepped(std::unique_ptr<Backend> backend, Committer::Options options);
  // Like close(), with what it returns lost.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // ---- Writing: the owner thread. Each call adds to the open batch and copies its bytes; none waits for the disk.

  // Adds a record at the end of the log. Its position is final even while the store is failing.
  Position append(ByteView record);
  // Sets or removes the value of `key`, which is not empty.
  void put(Table table, ByteView key, ByteView value);
  void erase(Table table, ByteView key);
  // Drops all records below `below`, which is at most next(). A lower `below` than before changes nothing.
  void trim(Position below);
  // The position that the next append() gets.
  Position next() const { return next_; }

  // What an acknowledgement that stands for all operations so far waits for, to the degree that `level` says; done()
  // when that is nothing. `messages` may be acknowledged with it: until they are synced they count in
  // CommitMetrics::unsafe_messages. They have operations in the open batch.
  Ticket ticket(Durability level, std::uint32_t messages = 0);
  // Hands the open batch to the committer: at the end of a turn. Nothing happens if it is empty. A batch for which no
  // ticket was taken at Durability::fsync is synced within the interval.
  void submit();

  // ---- How far it got: any thread, without waiting.

  // What Ticket::resolved() asks for. Grows only.
  std::uint64_t resolved() const { return committer_->resolved(); }
  // Bytes handed in whose tickets are not resolved, the open batch left out. The store takes more than any bound; who
  // publishes is held by its caller while this is high.
  std::size_t pending_bytes() const { return committer_->pending_bytes(); }
  // failing: the disk is full or broken. No ticket is resolved, reading goes on, and it is tried again by itself.
  Health health() const { return committer_->health(); }
  bool failing() const { return committer_->failing(); }
  const CommitMetrics& metrics() const { return committer_->metrics(); }

  // ---- Reading: any thread, until close().
  const Reader& reader() const { return *backend_; }

  // Commits what was submitted (one last attempt, if failing), syncs, and stops. Only the destructor and resolved() may
  // follow. An Error when something submitted did not become durable.
  Result<void> close();

  // Store::stepped() only: see Committer::step().
  bool step(bool sync = false) { return committer_->step(sync); }

 private:
  Store(std::unique_ptr<Backend> backend, Committer::Options options);
  bool nothing_open() const { return open_.empty() && !promises_.sync; }

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Committer> committer_;
  Batch open_;
  Promises promises_;             // of the open batch
  std::uint64_t submitted_ = 0;   // number of the last batch submitted
  std::uint64_t sync_asked_ = 0;  // number of the last one of them that asks for its sync
  Position next_;
  Position first_;  // as trimmed, committed or not
  bool closed_ = false;
};

}  // namespace martlet::store
