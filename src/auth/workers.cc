#include "auth/workers.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <shared_mutex>
#include <utility>

namespace martlet::auth {

struct Workers::Shared final : Workers::Door {
  explicit Shared(std::uint32_t most) : max_waiting(most) {}

  bool pass(const std::function<void()>& step) override {
    const std::shared_lock lock(door_mutex);
    if (door_shut) return false;
    step();
    return true;
  }

  const std::uint32_t max_waiting;
  std::mutex mutex;  // guards the next five
  std::condition_variable wake;
  std::condition_variable idle;
  std::deque<Job> jobs;
  std::uint32_t busy = 0;
  bool stopping = false;

  std::shared_mutex door_mutex;  // guards the next one; taken after none
  bool door_shut = false;
};

Workers::Workers(std::uint32_t threads, std::uint32_t max_waiting) : shared_(std::make_shared<Shared>(max_waiting)) {
  for (std::uint32_t i = 0; i < std::max(threads, 1u); ++i) {
    threads_.emplace_back([shared = shared_] { run(shared); });
  }
}

Workers::~Workers() {
  stop(kStopMs);
}

bool Workers::submit(Job job) {
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->stopping || shared_->jobs.size() >= shared_->max_waiting) return false;
    shared_->jobs.push_back(std::move(job));
  }
  shared_->wake.notify_one();
  return true;
}

std::size_t Workers::waiting() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->jobs.size();
}

std::shared_ptr<Workers::Door> Workers::door() const {
  return shared_;
}

void Workers::stop(int wait_ms) {
  std::deque<Job> left;
  bool done = false;
  {
    std::unique_lock lock(shared_->mutex);
    shared_->stopping = true;
    shared_->wake.notify_all();
    done = shared_->idle.wait_for(lock, std::chrono::milliseconds(wait_ms),
                                  [&] { return shared_->jobs.empty() && shared_->busy == 0; });
    left.swap(shared_->jobs);
  }
  left.clear();
  {
    const std::unique_lock lock(shared_->door_mutex);
    shared_->door_shut = true;
  }
  for (std::thread& thread : threads_) done ? thread.join() : thread.detach();
  threads_.clear();
}

void Workers::run(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  for (;;) {
    shared->wake.wait(lock, [&] { return shared->stopping || !shared->jobs.empty(); });
    if (shared->jobs.empty()) return;
    Job job = std::move(shared->jobs.front());
    shared->jobs.pop_front();
    ++shared->busy;
    lock.unlock();
    job();
    // What it owns ends here, not under the lock.
    job = nullptr;
    lock.lock();
    --shared->busy;
    if (shared->jobs.empty() && shared->busy == 0) shared->idle.notify_all();
  }
}

}  // namespace martlet::auth
