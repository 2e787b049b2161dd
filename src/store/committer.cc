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

void Committer::submit(Batch batch) {
  const std::uint64_t now = now_ns();
  pending_bytes_.fetch_add(batch.bytes(), std::memory_order_relaxed);
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    was_empty = waiting_.empty();
    waiting_.push_back({std::move(batch), now});
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
      } else if (unsynced_ > 0) {
        const std::uint64_t now = now_ns();
        const std::uint64_t left_ns = sync_due_ns > now ? sync_due_ns - now : 0;
        wake_.wait_for(lock, std::chrono::nanoseconds(left_ns), work);
      } else {
        wake_.wait(lock, work);
      }
      if (stopping_) return;
    }
    const bool was_unsynced = unsynced_ > 0;
    if (take_group() && commit_group() && nothing_waits()) backend_.idle();
    if (unsynced_ == 0) continue;
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
    Batch& batch = waiting_.front().batch;
    group_.bytes += batch.bytes();
    group_.operations += batch.operations();
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
  const bool sync = options_.durability == Durability::fsync;
  if (failing()) {
    if (const Result<void> recovered = backend_.recover(); !recovered) {
      set_failing(recovered.error());
      return false;
    }
  }
  if (const Result<void> written = backend_.write(group_.batches, sync); !written) {
    set_failing(written.error());
    return false;
  }
  if (sync) {
    metrics_.syncs.fetch_add(1, std::memory_order_relaxed);
  } else {
    unsynced_ += group_.operations;
    metrics_.unsynced_operations.store(unsynced_, std::memory_order_relaxed);
  }
  publish_group(started_ns);
  return true;
}

bool Committer::sync_now() {
  if (failing()) {
    if (const Result<void> recovered = backend_.recover(); !recovered) {
      set_failing(recovered.error());
      return false;
    }
  }
  if (const Result<void> synced = backend_.sync(); !synced) {
    set_failing(synced.error());
    return false;
  }
  unsynced_ = 0;
  metrics_.unsynced_operations.store(0, std::memory_order_relaxed);
  metrics_.syncs.fetch_add(1, std::memory_order_relaxed);
  if (failing()) {
    set_healthy();
  } else {
    tell();
  }
  return true;
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
  if (sync && unsynced_ > 0) sync_now();
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
  if (unsynced_ > 0 && !sync_now()) return fail(health().text);
  return {};
}

}  // namespace martlet::store
