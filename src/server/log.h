// The broker's log: one line an entry on standard error, as text or as JSON. What strangers wrote into an entry cannot
// break out of its line, and a flood of entries is cut to a bounded rate.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/ports.h"
#include "env/clock.h"
#include "env/files.h"

namespace martlet::server {

enum class LogFormat : std::uint8_t { text, json };

struct LogOptions {
  broker::LogLevel level = broker::LogLevel::info;
  LogFormat format = LogFormat::text;
  // Lines of one level in one second; the rest is counted and left out. Errors are never left out. 0: no limit.
  std::uint32_t lines_per_second = 200;
};

// One thread. A line is written when write() returns, so it waits for a reader of standard error that is slow.
class LineLog : public broker::Log {
 public:
  // `clock` and `files` outlive the log. A standard error that cannot be written is ignored.
  LineLog(const LogOptions& options, env::Clock& clock, env::Files& files);
  // Tells what was left out since the last line.
  ~LineLog() override;
  LineLog(const LineLog&) = delete;
  LineLog& operator=(const LineLog&) = delete;

  bool wants(broker::LogLevel level) const override { return level >= options_.level; }
  void write(broker::LogLevel level, std::string_view text) override;

 private:
  static constexpr std::size_t kLevels = 4;
  struct Flood {
    std::int64_t second = -1;  // the monotonic second that is counted
    std::uint32_t written = 0;
    std::uint64_t left_out = 0;
  };

  bool admit(broker::LogLevel level, const Now& now);
  void tell_left_out(const Now& now, bool all);
  void write_line(broker::LogLevel level, std::string_view text, const Now& now);

  const LogOptions options_;
  env::Clock& clock_;
  env::Files& files_;
  std::array<Flood, kLevels> floods_{};
  std::string line_;
};

// "2026-11-24T06:00:00.123Z" for a Unix time in milliseconds.
std::string utc_text(std::int64_t wall_ms);

}  // namespace martlet::server
