// The broker's log: one line an entry on standard error, as text or as JSON. What strangers wrote into an entry cannot
// break out of its line, a line is bounded, a flood of entries is cut to a bounded rate, and nobody waits for standard
// error.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "broker/ports.h"
#include "env/clock.h"
#include "env/files.h"
#include "server/log_writer.h"

namespace martlet::server {

// `automatic`: whoever makes the log decides, by what standard error is; the log itself takes it as text.
enum class LogFormat : std::uint8_t { automatic, text, json };

struct LogOptions {
  broker::LogLevel level = broker::LogLevel::info;
  LogFormat format = LogFormat::automatic;
  std::vector<std::string> levels = {};  // of single rooms, as "net=debug"
  // Lines of one level in one second; the rest is counted and left out. Errors are never left out. 0: no limit.
  std::uint32_t lines_per_second = 200;
};

// Any thread. A line waits in memory for the writer's thread; one for which there is no room is lost and counted, and
// the count is logged once there is room again.
class LineLog : public broker::Log {
 public:
  // Characters of an entry that are shown; the rest is cut, with a mark.
  static constexpr std::size_t kMaxEntryChars = 1'024;
  // Characters of each fact of an entry's subject, in JSON.
  static constexpr std::size_t kMaxFieldChars = 256;

  // `clock` outlives the log; `files` too, and a write of it that is stuck at the end outlives the log (log_writer.h).
  LineLog(const LogOptions& options, env::Clock& clock, env::Files& files, const LogWriterLimits& limits = {});
  // Tells what was left out or lost, and gives the last lines a bounded time.
  ~LineLog() override;
  LineLog(const LineLog&) = delete;
  LineLog& operator=(const LineLog&) = delete;

  bool wants(broker::LogLevel level) const override { return level >= level_.load(std::memory_order_relaxed); }
  // The log of one room: its lines bear its name, and log.levels may give it a level of its own. Lives as long as this.
  broker::Log& room(std::string_view name);
  // From now on these levels and this flood control hold; the format stays.
  void apply(const LogOptions& options);
  // Writes lines that are safe to show as they are, at any level. A dump for which there is no room is left out with
  // a warning.
  void dump(std::string_view lines);
  // Waits until all lines are written, at most `wait_ms`. False if they are not.
  bool flush(int wait_ms) {
    const std::lock_guard lock(mutex_);
    return writer_.flush(wait_ms);
  }

 private:
  static constexpr std::size_t kLevels = 4;
  class Room;
  struct Flood {
    std::int64_t second = -1;  // the monotonic second that is counted
    std::uint32_t written = 0;
    std::uint64_t left_out = 0;
  };

  struct Entry {
    std::string_view room;
    broker::LogLevel level;
    std::string_view text;
    broker::LogSubject subject = {};
  };

  void put(broker::LogLevel level, std::string_view text, const broker::LogSubject& subject) override;
  void take(const Entry& entry);
  bool admit(broker::LogLevel level, const Now& now);
  void tell_left_out(const Now& now, bool all);
  void tell_lost(const Now& now);
  void write_line(const Entry& entry, const Now& now);
  void format_line(const Entry& entry, const Now& now);
  void append_field(std::string_view name, std::string_view value, std::size_t max_chars);
  void set_level(Room& room) const;

  const LogFormat format_;
  env::Clock& clock_;
  std::atomic<broker::LogLevel> level_;
  std::mutex mutex_;  // guards what follows
  LogOptions options_;
  std::map<std::string, std::unique_ptr<Room>, std::less<>> rooms_;
  LogWriter writer_;
  std::array<Flood, kLevels> floods_{};
  std::uint64_t lost_ = 0;  // lines for which the writer had no room
  std::string line_;
};

// "2026-11-24T06:00:00.123Z" for a Unix time in milliseconds.
std::string utc_text(std::int64_t wall_ms);

}  // namespace martlet::server
