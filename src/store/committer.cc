#include "store/committer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "env/posix/measure.h"

namespace martlet::store {
namespace {

// What a submission counts for while it is pending.
std::size_t bytes_of(const Submission& submission) {
  return submission.batch.bytes() + (submission.needs_from != 0 ? sizeof submission.needs_from : 0);
}

}  // namespace

Committer::Committer(Backend& backend, Options options, std::uint32_t writers)
    : backend_(backend), options_(std::move(options)), trimmed_(backend.first()), progress_(writers) {
  check(writers > 0, "somebody writes");
  group_.parts.resize(writers);
  for (Progress& progress : progress_) {
    progress.committed_below.store(backend.end(), std::memory_order_relaxed);
    progress.needs_from = trimmed_;
  }
}

Committer::~Committer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Committer::start() {
  check(!thread_.joinable(), "a committer is started once");
  measures_ = true;
  thread_ = std::thread([this] { run(); });
}

void Committer::submit(std::uint32_t writer, Submission submission) {
  const std::uint64_t now = now_ns();
  pending_bytes_.fetch_add(bytes_of(submission), std::memory_order_relaxed);
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    check(!stopping_, "a closed store takes nothing");
    was_empty = waiting_.empty();
    waiting_.push_back({writer, std::move(submission), now});
  }
  if (was_empty) wake_.notify_one();
}

std::uint64_t Committer::now_ns() const {
  return measures_ ? env::posix::monotonic_ns() : 0;
}

Health Committer::health() const {
  const std::lock_guard lock(mutex_);
  return {failing(), health_text_, failures_};
}

void Committer::run() {
  const std::chrono::milliseconds retry(options_.retry_ms);
  const std::chrono::milliseconds interval(options_.sync_interval_ms);
  std::uint64_t sync_due_ns = 0;  // 0: nothing to sync
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      const auto work = [this] { return stopping_ || !waiting_.empty(); };
      if (failing()) {
        wake_.wait_for(lock, retry, [this] { return stopping_; });
      } else if (unsynced_.operations > 0) {
        const std::uint64_t now = now_ns();
        const std::uint64_t left_ns = sync_due_ns > now ? sync_due_ns - now : 0;
        wake_.wait_for(lock, std::chrono::nanoseconds(left_ns), work);
      } else {
        wake_.wait(lock, work);
      }
      if (stopping_) return;
    }
    const bool was_unsynced = unsynced_.operations > 0;
    if (take_group() && commit_group() && nothing_waits()) backend_.idle();
    if (unsynced_.operations == 0) continue;
    const std::uint64_t now = now_ns();
    if (!was_unsynced) sync_due_ns = now + std::chrono::nanoseconds(interval).count();
    if (now >= sync_due_ns) sync_now();
  }
}

bool Committer::take_group() {
  if (!group_.batches.empty()) return true;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return false;
    group_.first_submit_ns = waiting_.front().submitted_ns;
    while (!waiting_.empty() && group_.bytes < options_.max_group_bytes) {
      take(waiting_.front());
      waiting_.pop_front();
    }
  }
  // Behind the batches, so that all is there that was shared before they were submitted.
  if (writers() > 1) take_shared();
  take_trim();
  return true;
}

void Committer::take(Waiting& waiting) {
  Submission& submission = waiting.submission;
  group_.bytes += bytes_of(submission);
  group_.promises.sync |= submission.promises.sync;
  group_.promises.free_at_once += submission.promises.free_at_once;
  group_.promises.free_when_written += submission.promises.free_when_written;
  Part& part = group_.parts[waiting.writer];
  ++part.batches;
  part.appended_end = submission.appended_end;
  Progress& progress = progress_[waiting.writer];
  progress.needs_from = std::max(progress.needs_from, submission.needs_from);
  add_to_group(std::move(submission.batch));
}

void Committer::take_shared() {
  const std::lock_guard lock(shared_mutex_);
  if (shared_.empty()) return;
  group_.bytes += shared_.bytes();
  add_to_group(std::exchange(shared_, Batch()));
}

void Committer::take_trim() {
  const Position below = std::ranges::min_element(progress_, {}, &Progress::needs_from)->needs_from;
  if (below <= trimmed_) return;
  trimmed_ = below;
  Batch trim;
  trim.trim(below);
  add_to_group(std::move(trim));
}

void Committer::add_to_group(Batch batch) {
  group_.operations += batch.operations();
  group_.batches.push_back(std::move(batch));
}

bool Committer::nothing_waits() const {
  const std::lock_guard lock(mutex_);
  return waiting_.empty();
}

bool Committer::commit_group() {
  const std::uint64_t started_ns = now_ns();
  if (!recovered()) return false;
  if (const Result<void> written = write_group(); !written) {
    set_failing(written.error());
    return false;
  }
  const Promises& promises = group_.promises;
  unsynced_.messages += promises.free_at_once;
  if (promises.sync) {
    all_synced();
  } else {
    unsynced_.operations += group_.operations;
    unsynced_.messages += promises.free_when_written;
    metrics_.unsafe_messages.fetch_add(promises.free_when_written, std::memory_order_relaxed);
    metrics_.unsynced_operations.store(unsynced_.operations, std::memory_order_relaxed);
  }
  publish_group(started_ns);
  return true;
}

// A group without operations only asks for the sync of what is before it.
Result<void> Committer::write_group() {
  const bool sync = group_.promises.sync;
  if (group_.operations > 0) return backend_.write(group_.batches, sync);
  return sync ? backend_.sync() : Result<void>();
}

bool Committer::recovered() {
  if (!failing()) return true;
  const Result<void> recovered = backend_.recover();
  if (!recovered) set_failing(recovered.error());
  return recovered.has_value();
}

bool Committer::sync_now() {
  if (!recovered()) return false;
  if (const Result<void> synced = backend_.sync(); !synced) {
    set_failing(synced.error());
    return false;
  }
  all_synced();
  if (failing()) {
    set_healthy();
  } else {
    tell_all();
  }
  return true;
}

void Committer::all_synced() {
  metrics_.unsafe_messages.fetch_sub(unsynced_.messages, std::memory_order_relaxed);
  unsynced_ = {};
  metrics_.unsynced_operations.store(0, std::memory_order_relaxed);
  metrics_.syncs.fetch_add(1, std::memory_order_relaxed);
}

void Committer::publish_group(std::uint64_t started_ns) {
  const std::uint64_t now = now_ns();
  metrics_.commit_ns.record(now - started_ns);
  metrics_.wait_ns.record(now - group_.first_submit_ns);
  metrics_.group_operations.record(group_.operations);
  metrics_.group_bytes.record(group_.bytes);
  pending_bytes_.fetch_sub(group_.bytes, std::memory_order_relaxed);
  group_.batches.clear();
  group_.bytes = 0;
  group_.operations = 0;
  group_.promises = {};
  const bool failed = failing();
  for (std::uint32_t writer = 0; writer < writers(); ++writer) {
    const Part part = std::exchange(group_.parts[writer], {});
    if (part.batches == 0) continue;
    Progress& progress = progress_[writer];
    progress.committed_below.store(part.appended_end, std::memory_order_release);
    progress.resolved.fetch_add(part.batches, std::memory_order_release);
    if (!failed) tell(writer);
  }
  if (failed) set_healthy();
}

void Committer::set_failing(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    health_text_ = error.message;
    ++failures_;
    failing_.store(true, std::memory_order_relaxed);
  }
  tell_all();
}

void Committer::set_healthy() {
  {
    const std::lock_guard lock(mutex_);
    health_text_.clear();
    failing_.store(false, std::memory_order_relaxed);
  }
  tell_all();
}

bool Committer::step(bool sync) {
  check(!thread_.joinable(), "step() is for a committer without a thread");
  const bool committed = take_group() && commit_group();
  if (sync && unsynced_.operations > 0) sync_now();
  return committed;
}

Result<void> Committer::finish() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  while (take_group()) {
    if (!commit_group()) return fail(health().text);
  }
  if (unsynced_.operations > 0 && !sync_now()) return fail(health().text);
  return {};
}

}  // namespace martlet::store
