#include "server/certificate_dates.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::server {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kDayMs = 24 * kHourMs;
constexpr std::int64_t kMostWarnedMs = 14 * kDayMs;
constexpr std::int64_t kPartOfLife = 5;

std::string rest_text(std::int64_t rest_ms) {
  const bool in_hours = rest_ms < 2 * kDayMs;
  const std::int64_t count = rest_ms / (in_hours ? kHourMs : kDayMs);
  return fmt::format("{} {}{}", count, in_hours ? "hour" : "day", count == 1 ? "" : "s");
}

}  // namespace

std::optional<Notice> notice_of_dates(const net::TlsValidity& validity, std::int64_t wall_ms) {
  using enum broker::LogLevel;
  if (validity.end_wall_ms <= wall_ms) {
    return Notice{error,
                  fmt::format("{} expired on {}: clients refuse it; renew it", validity.source, validity.end_text)};
  }
  if (validity.begin_wall_ms > wall_ms) {
    return Notice{warning, fmt::format("{} is good only from {}: clients refuse it until then; is this machine's "
                                       "clock right?",
                                       validity.source, validity.begin_text)};
  }
  const std::int64_t rest_ms = validity.end_wall_ms - wall_ms;
  const std::int64_t life_ms = validity.end_wall_ms - validity.begin_wall_ms;
  if (rest_ms >= std::min(life_ms / kPartOfLife, kMostWarnedMs)) return std::nullopt;
  return Notice{warning, fmt::format("{} expires in {}, on {}: renew it", validity.source, rest_text(rest_ms),
                                     validity.end_text)};
}

}  // namespace martlet::server
