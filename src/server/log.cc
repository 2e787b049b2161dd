#include "server/log.h"

#include <fmt/format.h>

#include <chrono>
#include <iterator>

#include "base/bytes.h"
#include "server/printable.h"

namespace martlet::server {
namespace {

struct LevelNames {
  const char* text;
  const char* json;
  const char* plural;
};
constexpr std::array<LevelNames, 4> kLevelNames = {{{"DEBUG", "debug", "debug lines"},
                                                    {"INFO", "info", "info lines"},
                                                    {"WARN", "warning", "warnings"},
                                                    {"ERROR", "error", "errors"}}};

std::size_t index_of(broker::LogLevel level) {
  return static_cast<std::size_t>(level);
}

}  // namespace

std::string utc_text(std::int64_t wall_ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds{wall_ms}};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

LineLog::LineLog(const LogOptions& options, env::Clock& clock, env::Files& files)
    : options_(options), clock_(clock), files_(files) {}

LineLog::~LineLog() {
  tell_left_out(clock_.now(), true);
}

void LineLog::write(broker::LogLevel level, std::string_view text) {
  if (!wants(level)) return;
  const Now now = clock_.now();
  tell_left_out(now, false);
  if (admit(level, now)) write_line(level, text, now);
}

// Counts a line against its second. Errors always pass: they are few, and the last ones to miss.
bool LineLog::admit(broker::LogLevel level, const Now& now) {
  if (options_.lines_per_second == 0 || level == broker::LogLevel::error) return true;
  Flood& flood = floods_[index_of(level)];
  if (const std::int64_t second = now.mono_ms / 1000; second != flood.second) {
    flood.second = second;
    flood.written = 0;
  }
  if (flood.written < options_.lines_per_second) {
    ++flood.written;
    return true;
  }
  ++flood.left_out;
  return false;
}

// One line for each flooded level once its second is over (or for `all`).
void LineLog::tell_left_out(const Now& now, bool all) {
  for (std::size_t i = 0; i < floods_.size(); ++i) {
    Flood& flood = floods_[i];
    if (flood.left_out == 0 || (!all && now.mono_ms / 1000 == flood.second)) continue;
    write_line(static_cast<broker::LogLevel>(i),
               fmt::format("... {} more {} were left out (log.lines_per_second = {})", flood.left_out,
                           kLevelNames[i].plural, options_.lines_per_second),
               now);
    flood.left_out = 0;
  }
}

void LineLog::write_line(broker::LogLevel level, std::string_view text, const Now& now) {
  const LevelNames& names = kLevelNames[index_of(level)];
  line_.clear();
  if (options_.format == LogFormat::json) {
    fmt::format_to(std::back_inserter(line_), R"({{"time":"{}","level":"{}","message":")", utc_text(now.wall_ms),
                   names.json);
    append_json_string(line_, text);
    line_ += "\"}\n";
  } else {
    fmt::format_to(std::back_inserter(line_), "{} {} ", utc_text(now.wall_ms), names.text);
    append_printable(line_, text);
    line_ += '\n';
  }
  // Nobody is left to be told when standard error is gone, and the broker goes on without it.
  static_cast<void>(files_.write_stream(env::Handle::standard_error, as_bytes(line_)));
}

}  // namespace martlet::server
