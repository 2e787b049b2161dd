#include "server/durable/progress.h"

#include <fmt/format.h>

#include <string>

namespace martlet::server {
namespace {

constexpr std::int64_t kLogMs = 5'000;
constexpr std::string_view kEraseLine = "\r\x1b[K";

}  // namespace

RecoveryProgress::RecoveryProgress(env::Clock& clock, env::Files& files, broker::Log& log, bool terminal)
    : clock_(clock), files_(files), log_(log), terminal_(terminal), logged_ms_(clock.now().mono_ms) {}

RecoveryProgress::~RecoveryProgress() {
  if (shown_) write(kEraseLine);
}

void RecoveryProgress::show(std::uint64_t done, std::uint64_t total) {
  const std::int64_t now_ms = clock_.now().mono_ms;
  if (!terminal_ && now_ms < logged_ms_ + kLogMs) return;
  const std::string text =
      fmt::format("reads the log: {} of {} records, {} %", done, total, total == 0 ? 100 : done * 100 / total);
  if (terminal_) {
    shown_ = true;
    return write(fmt::format("{}martlet broker {}", kEraseLine, text));
  }
  logged_ms_ = now_ms;
  log_.write(broker::LogLevel::info, text);
}

// A terminal that cannot be written is not worth an end.
void RecoveryProgress::write(std::string_view text) {
  static_cast<void>(files_.write_stream(env::Handle::standard_error, as_bytes(text)));
}

}  // namespace martlet::server
