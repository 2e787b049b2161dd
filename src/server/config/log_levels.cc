#include "server/config/log_levels.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/nearest.h"

namespace martlet::server {
namespace {

constexpr std::array<std::string_view, 9> kRooms = {"auth",   "broker",  "client", "env",  "net",
                                                    "server", "session", "store",  "topic"};
// In the order of LogLevel.
constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warning", "error"};

}  // namespace

Result<RoomLevel> parse_room_level(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return fail(fmt::format("\"{}\": write it as \"net=debug\"", text));
  const std::string_view room = text.substr(0, equals);
  const std::string_view level = text.substr(equals + 1);
  const auto known = std::find(kRooms.begin(), kRooms.end(), room);
  if (known == kRooms.end()) {
    return fail(fmt::format("\"{}\": there is no \"{}\"; it must be one of {}{}", text, room, fmt::join(kRooms, ", "),
                            suggestion(room, kRooms)));
  }
  const auto found = std::find(kLevels.begin(), kLevels.end(), level);
  if (found == kLevels.end()) {
    return fail(fmt::format("\"{}\": the level must be one of {}{}", text, fmt::join(kLevels, ", "),
                            suggestion(level, kLevels)));
  }
  return RoomLevel{*known, static_cast<broker::LogLevel>(found - kLevels.begin())};
}

}  // namespace martlet::server
