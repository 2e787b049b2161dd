// What a running broker does besides serving clients, on a thread of its own: it answers `martlet ctl`, reloads when it
// is told to or when certificates change, and tells the service manager that all cores still turn.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "env/clock.h"
#include "env/posix/file_stamp.h"
#include "env/posix/local_server.h"
#include "env/posix/service_manager.h"

namespace martlet::server {

// All are called on the steward's thread, one at a time.
struct StewardTasks {
  // Reads everything again; tells service manager and log itself.
  std::function<void()> reload;
  // Reads again what `watched_files` are for.
  std::function<void()> reload_watched;
  std::function<std::vector<std::string>()> watched_files;
  // Called each day while there are such files.
  std::function<void()> daily;
  std::function<std::string(std::string_view question)> answer;
  // Asks all cores to show that they turn: calls `turned` once for each, on its thread.
  std::function<void(std::function<void()> turned)> ask_cores;
  std::uint32_t cores = 1;
};

class Steward {
 public:
  // `manager` and `clock` outlive it; `control` may be one without a socket.
  Steward(std::unique_ptr<env::posix::LocalServer> control, const env::posix::ServiceManager& manager,
          env::Clock& clock, StewardTasks tasks);
  // Ends the thread; no task is called any more.
  ~Steward();
  Steward(const Steward&) = delete;
  Steward& operator=(const Steward&) = delete;

  void start();
  // Any thread: tasks.reload is called soon.
  void request_reload();

 private:
  using Stamps = std::unordered_map<std::string, env::posix::FileStamp>;

  void run();
  Stamps stamp_files() const;
  int wait_ms() const;
  void look_at_files();
  void watch_cores();

  std::unique_ptr<env::posix::LocalServer> control_;
  const env::posix::ServiceManager& manager_;
  env::Clock& clock_;
  const StewardTasks tasks_;
  std::atomic<bool> reload_requested_ = false;
  std::atomic<bool> stop_ = false;
  Stamps stamps_;  // as they were when they were last read
  Stamps seen_;    // at the last look
  std::int64_t look_at_ms_ = 0;
  std::int64_t daily_at_ms_ = 0;
  std::int64_t watchdog_at_ms_ = 0;
  std::shared_ptr<std::atomic<std::uint32_t>> turned_;  // cores that have shown it since they were asked
  std::thread thread_;
};

}  // namespace martlet::server
