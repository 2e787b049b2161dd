// Threads for what takes time: password hashes, questions to other services. What waits for one is bounded.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace martlet::auth {

// Made and stopped by one thread; submit() from any.
class Workers {
 public:
  // Throws nothing, ends at the latest with its own timeouts. It must own what it touches, or keep it alive, because
  // stop() may leave it behind; what ends with the pool's owner it reaches through the pool's door.
  using Job = std::function<void()>;

  // The way from a job back to those who may end before it.
  class Door {
   public:
    virtual ~Door() = default;
    // Calls `step` if the pool was not stopped; stop() waits for it meanwhile. Keep it short. False: not called.
    virtual bool pass(const std::function<void()>& step) = 0;
  };

  // `max_waiting`: jobs that no thread has begun.
  Workers(std::uint32_t threads, std::uint32_t max_waiting);
  // stop() with kStopMs, unless that was done.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // False: too many wait, or the pool was stopped; the job is not called.
  bool submit(Job job);
  std::size_t waiting() const;
  std::shared_ptr<Door> door() const;

  static constexpr int kStopMs = 2'000;
  // Takes no more jobs and works off those that wait, at most `wait_ms`. What is not begun then is never called. What
  // is under way is left to end on its own, with the door shut.
  void stop(int wait_ms);

 private:
  struct Shared;
  static void run(const std::shared_ptr<Shared>& shared);

  const std::shared_ptr<Shared> shared_;  // also held by the threads, which may be left behind
  std::vector<std::thread> threads_;
};

}  // namespace martlet::auth
