// Group commit. Batches of all writers wait in the order in which they were submitted; whoever commits takes all that
// wait, writes them as one, syncs once if any of them asks for it, and publishes to each writer how far it got. What
// was written without a sync is synced within an interval. A group that fails is kept and tried again, so no later
// batch overtakes it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/histogram.h"
#include "store/backend.h"
#include "store/batch.h"
#include "store/types.h"

namespace martlet::store {

struct Health {
  bool failing = false;
  std::string text;            // the last error, one line; empty when all is well
  std::uint64_t failures = 0;  // failed writes and syncs since the start
};

// Read from any thread.
struct CommitMetrics {
  Histogram commit_ns;         // writing one group, its sync included
  Histogram wait_ns;           // from submit() to the resolved ticket, for the oldest batch of each group
  Histogram group_operations;  // operations of one group
  Histogram group_bytes;
  std::atomic<std::uint64_t> syncs{0};
  std::atomic<std::uint64_t> unsynced_operations{0};  // written and not synced
  // Messages that may be acknowledged and are not synced: always 0 when all tickets are taken at Durability::fsync.
  std::atomic<std::uint64_t> unsafe_messages{0};
};

// What one writer did in a turn.
struct Submission {
  Batch batch;
  Promises promises;
  Position needs_from = 0;    // the writer needs nothing below; 0: as before
  Position appended_end = 0;  // behind the last record that it appended so far
};

class Committer {
 public:
  struct Options {
    std::uint32_t sync_interval_ms = 1000;  // the longest time for which what was written is not synced
    std::uint32_t retry_ms = 500;           // pause before a failed group is tried again
    std::size_t max_group_bytes = 8u << 20;
    // Called for a writer whenever its resolved() changed, and for all when health() or what is unsynced did, from the
    // thread that commits; it must not wait.
    std::function<void(std::uint32_t writer)> notify = {};
  };

  // `backend` outlives the committer. Writers are numbered from 0. Nothing is committed before start() or step().
  Committer(Backend& backend, Options options, std::uint32_t writers);
  // Stops the thread without committing what waits.
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  // Commits in a thread of its own from now on.
  void start();
  // Ends the thread. What waits gets one last attempt, and what was written without sync is synced; the Error says what
  // was not possible.
  Result<void> finish();

  // Without start(), for the simulator: commits one group, or tries the failed one again. True if a group was
  // committed. `sync` then syncs what was written without.
  bool step(bool sync = false);

  // Adds a batch of `writer`; its number is one higher than that of the writer's batch before, from 1. The writer's
  // thread.
  void submit(std::uint32_t writer, Submission submission);
  // Calls add(Batch&) with what all writers share: it is committed with the next batch that any of them submits, or
  // before. Whoever adds submits a batch behind it. Any thread.
  template <class Add>
  void share(Add&& add) {
    const std::lock_guard lock(shared_mutex_);
    const std::size_t before = shared_.bytes();
    add(shared_);
    pending_bytes_.fetch_add(shared_.bytes() - before, std::memory_order_relaxed);
  }
  // Messages of a batch that is open: they are free to be acknowledged from now on. Any thread.
  void count_unsafe(std::uint32_t messages) { metrics_.unsafe_messages.fetch_add(messages, std::memory_order_relaxed); }

  std::uint32_t writers() const { return static_cast<std::uint32_t>(progress_.size()); }
  // The number of the writer's last batch whose ticket is resolved. Any thread.
  std::uint64_t resolved(std::uint32_t writer) const {
    return progress_[writer].resolved.load(std::memory_order_acquire);
  }
  // What the writer appended below it is committed. Any thread.
  Position committed_below(std::uint32_t writer) const {
    return progress_[writer].committed_below.load(std::memory_order_acquire);
  }
  // Bytes submitted whose tickets are not resolved. Any thread.
  std::size_t pending_bytes() const { return pending_bytes_.load(std::memory_order_relaxed); }
  Health health() const;
  // Health::failing, without a lock. Any thread.
  bool failing() const { return failing_.load(std::memory_order_relaxed); }
  const CommitMetrics& metrics() const { return metrics_; }

 private:
  struct Waiting {
    std::uint32_t writer;
    Submission submission;
    std::uint64_t submitted_ns;
  };
  // What a group has of one writer.
  struct Part {
    std::uint64_t batches = 0;
    Position appended_end = 0;
  };
  struct Group {
    std::vector<Batch> batches;
    std::vector<Part> parts;  // by writer
    std::uint64_t first_submit_ns = 0;
    std::size_t bytes = 0;
    std::size_t operations = 0;
    Promises promises;
  };
  struct Unsynced {
    std::size_t operations = 0;
    std::uint64_t messages = 0;
  };

  // How far one writer's batches got, on a cache line of its own.
  struct alignas(64) Progress {
    std::atomic<std::uint64_t> resolved{0};
    std::atomic<Position> committed_below{0};
    Position needs_from = 0;  // of the thread that commits
  };

  void run();
  // 0 without a thread, so that the simulator's runs are alike.
  std::uint64_t now_ns() const;
  // Moves what waits to `group_`, up to the limit, unless a failed group is still there. True if there is a group.
  bool take_group();
  void take(Waiting& waiting);
  void take_shared();
  // Trims the log by what the batches taken say that their writers need: in one write with them, since what a writer
  // does without may depend on what else its batch says.
  void take_trim();
  void add_to_group(Batch batch);
  bool nothing_waits() const;
  // Writes `group_`. True when it is done and forgotten, false when it failed and is kept.
  bool commit_group();
  Result<void> write_group();
  // Clears up behind a failed attempt; false if that is not possible yet.
  bool recovered();
  // Syncs what was written without; false if it failed.
  bool sync_now();
  void all_synced();
  void publish_group(std::uint64_t started_ns);
  void set_failing(const Error& error);
  void set_healthy();
  void tell(std::uint32_t writer) const {
    if (options_.notify) options_.notify(writer);
  }
  void tell_all() const {
    for (std::uint32_t writer = 0; writer < writers(); ++writer) tell(writer);
  }

  Backend& backend_;
  const Options options_;

  mutable std::mutex mutex_;  // guards what follows, up to failures_
  std::condition_variable wake_;
  std::deque<Waiting> waiting_;
  bool stopping_ = false;
  std::string health_text_;
  std::uint64_t failures_ = 0;

  std::mutex shared_mutex_;
  Batch shared_;

  // Of the thread that commits.
  Group group_;
  Position trimmed_;  // below it, with the group
  Unsynced unsynced_;

  bool measures_ = false;
  std::atomic<bool> failing_{false};
  std::vector<Progress> progress_;  // by writer
  std::atomic<std::size_t> pending_bytes_{0};
  CommitMetrics metrics_;
  std::thread thread_;
};

}  // namespace martlet::store
