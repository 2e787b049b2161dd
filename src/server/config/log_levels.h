// What log.levels says of single rooms.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "broker/ports.h"

namespace martlet::server {

struct RoomLevel {
  std::string_view room;  // one of the rooms' names; lives for ever
  broker::LogLevel level = broker::LogLevel::info;
};

// Reads "net=debug". The error names the nearest room or level.
Result<RoomLevel> parse_room_level(std::string_view text);

}  // namespace martlet::server
