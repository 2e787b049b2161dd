// A backend that fails or waits when told, in front of a real one.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "store/backend.h"

namespace martlet::store::testing {

// What goes wrong. It outlives the backend that asks it; any thread.
class Faults {
 public:
  // The `nth` write from now on and the `count - 1` after it fail before anything is written.
  void fail_writes(int nth, int count = 1) {
    const std::lock_guard lock(mutex_);
    first_failure_ = writes_ + nth;
    last_failure_ = first_failure_ + count - 1;
    written_though_ = false;
  }
  // As fail_writes, but the bytes are there nevertheless: the disk did it and lost the answer.
  void fail_writes_behind(int nth, int count = 1) {
    fail_writes(nth, count);
    const std::lock_guard lock(mutex_);
    written_though_ = true;
  }
  void fail_syncs(int count) {
    const std::lock_guard lock(mutex_);
    failing_syncs_ = count;
  }
  // Writes wait from now on, until released.
  void hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  void release() {
    {
      const std::lock_guard lock(mutex_);
      held_ = false;
    }
    changed_.notify_all();
  }
  // Waits until a write waits.
  void await_held_write() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_; });
  }

 private:
  friend class FaultyBackend;
  enum class Fate { succeed, fail, fail_behind };

  Fate begin_write() {
    std::unique_lock lock(mutex_);
    waiting_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
    waiting_ = false;
    ++writes_;
    if (writes_ < first_failure_ || writes_ > last_failure_) return Fate::succeed;
    return written_though_ ? Fate::fail_behind : Fate::fail;
  }
  bool sync_fails() {
    const std::lock_guard lock(mutex_);
    return failing_syncs_ > 0 && failing_syncs_-- > 0;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int writes_ = 0;
  int first_failure_ = 0;
  int last_failure_ = -1;
  int failing_syncs_ = 0;
  bool written_though_ = false;
  bool held_ = false;
  bool waiting_ = false;
};

class FaultyBackend final : public Backend {
 public:
  FaultyBackend(std::unique_ptr<Backend> real, std::shared_ptr<Faults> faults)
      : real_(std::move(real)), faults_(std::move(faults)) {}

  Position first() const override { return real_->first(); }
  Position end() const override { return real_->end(); }
  Result<bool> read(Position position, std::string& record) const override { return real_->read(position, record); }
  ScanOutcome scan(Position from, std::size_t max_bytes, const RecordVisitor& visit) const override {
    return real_->scan(from, max_bytes, visit);
  }
  Result<bool> get(Table table, ByteView key, std::string& value) const override {
    return real_->get(table, key, value);
  }
  Result<void> scan(Table table, ByteView prefix, const PairVisitor& visit) const override {
    return real_->scan(table, prefix, visit);
  }
  std::uint64_t log_bytes(Position from) const override { return real_->log_bytes(from); }
  std::uint64_t occupied_bytes() const override { return real_->occupied_bytes(); }

  Result<void> write(std::span<const Batch> group, bool sync) override {
    switch (faults_->begin_write()) {
      case Faults::Fate::succeed:
        return real_->write(group, sync);
      case Faults::Fate::fail_behind:
        (void)real_->write(group, sync);
        [[fallthrough]];
      case Faults::Fate::fail:
        return fail("planned write error");
    }
    return {};
  }
  Result<void> sync() override { return faults_->sync_fails() ? fail("planned sync error") : real_->sync(); }
  Result<void> recover() override { return real_->recover(); }
  void idle() override { real_->idle(); }
  Result<void> close() override { return real_->close(); }

 private:
  const std::unique_ptr<Backend> real_;
  const std::shared_ptr<Faults> faults_;
};

}  // namespace martlet::store::testing
