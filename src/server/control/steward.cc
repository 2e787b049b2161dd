#include "server/control/steward.h"

#include <algorithm>

namespace martlet::server {
namespace {

// Between looks at the files that are watched; one that changed is read once it looks the same twice.
constexpr std::int64_t kLookMs = 1'000;
constexpr std::int64_t kDayMs = 86'400'000;

}  // namespace

Steward::Steward(std::unique_ptr<env::posix::LocalServer> control, const env::posix::ServiceManager& manager,
                 env::Clock& clock, StewardTasks tasks)
    : control_(std::move(control)), manager_(manager), clock_(clock), tasks_(std::move(tasks)) {
  stamps_ = seen_ = stamp_files();
  daily_at_ms_ = clock_.now().mono_ms + kDayMs;
}

Steward::~Steward() {
  stop_ = true;
  control_->wake();
  if (thread_.joinable()) thread_.join();
}

void Steward::start() {
  thread_ = std::thread([this] { run(); });
}

void Steward::request_reload() {
  reload_requested_ = true;
  control_->wake();
}

void Steward::run() {
  while (!stop_) {
    control_->serve_one(wait_ms(), tasks_.answer);
    if (stop_) return;
    if (reload_requested_.exchange(false)) {
      const auto before = stamp_files();
      tasks_.reload();
      stamps_ = stamp_files();
      // What changed while it was read is read again.
      for (auto& [path, stamp] : stamps_) {
        if (const auto known = before.find(path); known != before.end()) stamp = known->second;
      }
      seen_ = stamps_;
    }
    const std::int64_t now_ms = clock_.now().mono_ms;
    if (now_ms >= look_at_ms_) {
      look_at_ms_ = now_ms + kLookMs;
      look_at_files();
      if (now_ms >= daily_at_ms_) {
        daily_at_ms_ = now_ms + kDayMs;
        tasks_.daily();
      }
    }
    if (manager_.watchdog_ms() != 0 && now_ms >= watchdog_at_ms_) {
      watchdog_at_ms_ = now_ms + std::max<std::int64_t>(manager_.watchdog_ms() / 4, 1);
      watch_cores();
    }
  }
}

Steward::Stamps Steward::stamp_files() const {
  Stamps stamps;
  for (const std::string& path : tasks_.watched_files()) stamps[path] = env::posix::file_stamp(path);
  return stamps;
}

// For ever if there is nothing to look at.
int Steward::wait_ms() const {
  const std::int64_t now_ms = clock_.now().mono_ms;
  std::int64_t wait = -1;
  if (!stamps_.empty()) wait = std::max<std::int64_t>(look_at_ms_ - now_ms, 0);
  if (manager_.watchdog_ms() != 0) {
    const std::int64_t dog = std::max<std::int64_t>(watchdog_at_ms_ - now_ms, 0);
    wait = wait < 0 ? dog : std::min(wait, dog);
  }
  return static_cast<int>(wait);
}

void Steward::look_at_files() {
  bool changed = false;
  bool settled = true;
  for (auto& [path, read] : stamps_) {
    const env::posix::FileStamp now = env::posix::file_stamp(path);
    env::posix::FileStamp& seen = seen_[path];
    changed = changed || now != read;
    settled = settled && now == seen;
    seen = now;
  }
  // Somebody may be in the middle of writing several of them.
  if (!changed || !settled) return;
  stamps_ = seen_;
  tasks_.reload_watched();
}

// The manager hears of it when all cores have answered the last time: one that hangs lets the watchdog bite.
void Steward::watch_cores() {
  if (!turned_ || turned_->load() >= tasks_.cores) {
    manager_.notify("WATCHDOG=1");
    turned_ = std::make_shared<std::atomic<std::uint32_t>>(0);
    tasks_.ask_cores([turned = turned_] { turned->fetch_add(1); });
  }
}

}  // namespace martlet::server
