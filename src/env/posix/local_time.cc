#include "env/posix/local_time.h"

#include <array>
#include <ctime>

namespace martlet::env::posix {

WallTime wall_time() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return {now.tv_sec, static_cast<std::int32_t>(now.tv_nsec)};
}

std::string format_local(const WallTime& time, const char* format) {
  const std::time_t seconds = time.seconds;
  std::tm parts{};
  if (!localtime_r(&seconds, &parts)) return {};
  std::array<char, 256> text;
  return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}

}  // namespace martlet::env::posix
