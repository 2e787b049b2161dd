// The durable log and keyed state of one broker process: bytes in, bytes out. Each core has a writer, which collects
// operations during a turn and submits them as one atomic batch; a committer makes batches durable and says how far it
// got.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "store/backend.h"
#include "store/committer.h"
#include "store/positions.h"
#include "store/writer.h"

namespace martlet::store {

class Store {
 public:
  // Commits in a thread of its own. `options.notify` is called from there. `writers`: how many, at least 1.
  static std::unique_ptr<Store> start(std::unique_ptr<Backend> backend, Committer::Options options,
                                      std::uint32_t writers = 1);
  // Commits only in step(): for the simulator and tests.
  static std::unique_ptr<Store> stepped(std::unique_ptr<Backend> backend, Committer::Options options,
                                        std::uint32_t writers = 1);
  // Like close(), with what it returns lost.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // ---- Writing: each writer in its core's thread.
  std::uint32_t writers() const { return static_cast<std::uint32_t>(writers_.size()); }
  // From 0; it lives as long as the store.
  Writer& writer(std::uint32_t core = 0) { return *writers_[core]; }
  const Writer& writer(std::uint32_t core = 0) const { return *writers_[core]; }

  // While no other thread writes: all positions from now on are at or above `position`. Nothing was appended yet.
  void skip_to(Position position);
  // While no other thread writes: behind the last record that any writer has appended so far, committed or not.
  Position appended_end() const;

  // ---- How far it got: any thread, without waiting.

  // Bytes handed in whose tickets are not resolved, open batches left out. The store takes more than any bound; who
  // publishes is held by its caller while this is high.
  std::size_t pending_bytes() const { return committer_->pending_bytes(); }
  // failing: the disk is full or broken. No ticket is resolved, reading goes on, and it is tried again by itself.
  Health health() const { return committer_->health(); }
  bool failing() const { return committer_->failing(); }
  const CommitMetrics& metrics() const { return committer_->metrics(); }

  // ---- Reading: any thread, until close().
  const Reader& reader() const { return *backend_; }

  // Commits what was submitted (one last attempt, if failing), syncs, and stops. Only the destructor and
  // Writer::resolved() may follow. An Error when something submitted did not become durable.
  Result<void> close();

  // Store::stepped() only: see Committer::step().
  bool step(bool sync = false) { return committer_->step(sync); }

 private:
  Store(std::unique_ptr<Backend> backend, Committer::Options options, std::uint32_t writers);

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Committer> committer_;
  Positions positions_;
  std::vector<std::unique_ptr<Writer>> writers_;
  bool closed_ = false;
};

}  // namespace martlet::store
