#include "store/committer.h"

#include <chrono>
#include <utility>

#include "base/check.h"
#include "env/posix/measure.h"

namespace martlet::store {

Committer::Committer(Backend& backend, Options options) : backend_(backend), options_(std::move(options)) {}

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

void Committer::submit(Batch batch, const Promises& promises) {
  const std::uint64_t now = now_ns();
  pending_bytes_.fetch_add(batch.bytes(), std::memory_order_relaxed);
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    was_empty = waiting_.empty();
    waiting_.push_back({std::move(batch), promises, now});
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
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return false;
  group_.first_submit_ns = waiting_.front().submitted_ns;
  while (!waiting_.empty() && group_.bytes < options_.max_group_bytes) {
    auto& [batch, promises, submitted_ns] = waiting_.front();
    group_.bytes += batch.bytes();
    group_.operations += batch.operations();
    group_.promises.sync |= promises.sync;
    group_.promises.free_at_once += promises.free_at_once;
    group_.promises.free_when_written += promises.free_when_written;
    group_.batches.push_back(std::move(batch));
    waiting_.pop_front();
  }
  return true;
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
    tell();
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
  resolved_.fetch_add(group_.batches.size(), std::memory_order_release);
  group_.batches.clear();
  group_.bytes = 0;
  group_.operations = 0;
  group_.promises = {};
  if (failing()) {
    set_healthy();
  } else {
    tell();
  }
}

void Committer::set_failing(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    health_text_ = error.message;
    ++failures_;
    failing_.store(true, std::memory_order_relaxed);
  }
  tell();
}

void Committer::set_healthy() {
  {
    const std::lock_guard lock(mutex_);
    health_text_.clear();
    failing_.store(false, std::memory_order_relaxed);
  }
  tell();
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
