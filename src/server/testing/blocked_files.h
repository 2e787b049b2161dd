// A standard error that nobody reads until release(), for tests.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>

#include "server/testing/memory_files.h"

namespace martlet::server {

// Any thread.
class BlockedFiles : public MemoryFiles {
 public:
  // From now on a write ends.
  void release() {
    const std::lock_guard lock(mutex_);
    blocked_ = false;
    changed_.notify_all();
  }
  // Returns once a write does not end.
  void wait_until_stuck() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stuck_ > 0; });
  }
  // Returns once each write that was stuck has ended.
  void wait_until_through() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stuck_ == 0; });
  }
  // What the writes that ended wrote.
  std::string written() {
    const std::lock_guard lock(mutex_);
    return streams[env::Handle::standard_error];
  }

  Result<void> write_stream(env::Handle stream, ByteView bytes) override {
    std::unique_lock lock(mutex_);
    ++stuck_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !blocked_; });
    --stuck_;
    const auto result = MemoryFiles::write_stream(stream, bytes);
    changed_.notify_all();
    return result;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool blocked_ = true;
  int stuck_ = 0;
};

}  // namespace martlet::server
