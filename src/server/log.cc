#include "server/log.h"

#include <fmt/format.h>

#include <chrono>
#include <iterator>

#include "base/printable.h"
#include "server/config/log_levels.h"

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

std::string lost_text(std::uint64_t lines) {
  return fmt::format("... {} more lines were lost: standard error was not read in time", lines);
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

class LineLog::Room final : public broker::Log {
 public:
  Room(LineLog& log, std::string_view name) : log_(log), name_(name) {}

  bool wants(broker::LogLevel level) const override { return level >= level_.load(std::memory_order_relaxed); }
  const std::string& name() const { return name_; }
  void set_level(broker::LogLevel level) { level_ = level; }

 private:
  void put(broker::LogLevel level, std::string_view text, const broker::LogSubject& subject) override {
    log_.take({name_, level, text, subject});
  }

  LineLog& log_;
  const std::string name_;
  std::atomic<broker::LogLevel> level_ = broker::LogLevel::info;
};

LineLog::LineLog(const LogOptions& options, env::Clock& clock, env::Files& files, const LogWriterLimits& limits)
    : format_(options.format), clock_(clock), level_(options.level), options_(options), writer_(files, limits) {}

LineLog::~LineLog() {
  const Now now = clock_.now();
  tell_left_out(now, true);
  if (lost_ == 0) return;
  format_line({"", broker::LogLevel::warning, lost_text(lost_)}, now);
  writer_.add_always(line_);
}

broker::Log& LineLog::room(std::string_view name) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<Room>& room = rooms_[std::string(name)];
  if (!room) {
    room = std::make_unique<Room>(*this, name);
    set_level(*room);
  }
  return *room;
}

void LineLog::set_level(Room& room) const {
  broker::LogLevel level = options_.level;
  for (const std::string& text : options_.levels) {
    const auto one = parse_room_level(text);
    if (one && one->room == room.name()) level = one->level;
  }
  room.set_level(level);
}

void LineLog::apply(const LogOptions& options) {
  const std::lock_guard lock(mutex_);
  options_ = options;
  level_ = options.level;
  for (const auto& [name, room] : rooms_) set_level(*room);
}

void LineLog::put(broker::LogLevel level, std::string_view text, const broker::LogSubject& subject) {
  take({"", level, text, subject});
}

void LineLog::take(const Entry& entry) {
  const std::lock_guard lock(mutex_);
  const Now now = clock_.now();
  tell_left_out(now, false);
  if (admit(entry.level, now)) write_line(entry, now);
}

void LineLog::dump(std::string_view lines) {
  {
    const std::lock_guard lock(mutex_);
    if (writer_.add_dump(lines)) return;
  }
  write(broker::LogLevel::warning, "a dump is left out: those before are not written yet, or it is too large");
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
    const std::string text = fmt::format("... {} more {} were left out (log.lines_per_second = {})", flood.left_out,
                                         kLevelNames[i].plural, options_.lines_per_second);
    write_line({"", static_cast<broker::LogLevel>(i), text}, now);
    flood.left_out = 0;
  }
}

void LineLog::tell_lost(const Now& now) {
  if (lost_ == 0) return;
  format_line({"", broker::LogLevel::warning, lost_text(lost_)}, now);
  if (writer_.add(line_)) lost_ = 0;
}

void LineLog::write_line(const Entry& entry, const Now& now) {
  tell_lost(now);
  format_line(entry, now);
  // After a loss nothing passes before the count of it.
  if (lost_ != 0 || !writer_.add(line_)) ++lost_;
}

void LineLog::append_field(std::string_view name, std::string_view value, std::size_t max_chars) {
  fmt::format_to(std::back_inserter(line_), R"(,"{}":")", name);
  append_json_string(line_, value, max_chars);
  line_ += '"';
}

void LineLog::format_line(const Entry& entry, const Now& now) {
  const LevelNames& names = kLevelNames[index_of(entry.level)];
  line_.clear();
  if (format_ == LogFormat::json) {
    fmt::format_to(std::back_inserter(line_), R"({{"time":"{}","level":"{}")", utc_text(now.wall_ms), names.json);
    const auto add = [&](std::string_view name, std::string_view value) {
      if (!value.empty()) append_field(name, value, kMaxFieldChars);
    };
    add("room", entry.room);
    append_field("message", entry.text, kMaxEntryChars);
    add("client", entry.subject.client);
    add("address", entry.subject.address);
    add("user", entry.subject.user);
    add("listener", entry.subject.listener);
    for (const broker::LogField& field : entry.subject.more) add(field.name, field.value);
    line_ += "}\n";
  } else {
    fmt::format_to(std::back_inserter(line_), "{} {} ", utc_text(now.wall_ms), names.text);
    if (!entry.room.empty()) fmt::format_to(std::back_inserter(line_), "{}: ", entry.room);
    append_line_text(line_, entry.text, kMaxEntryChars);
    line_ += '\n';
  }
}

}  // namespace martlet::server
