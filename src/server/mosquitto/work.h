// What the parts of the translation share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/mosquitto/conf.h"
#include "server/mosquitto/toml_writer.h"
#include "server/mosquitto/translation.h"

namespace martlet::server::mosquitto {

struct Work {
  const Conf& conf;
  const std::vector<std::uint16_t>& ports;
  TomlWriter toml = {};
  std::vector<ReportLine> report = {};
  std::vector<std::string> errors = {};
  // Global values that listeners use.
  bool local_only = false;
  bool allow_anonymous = false;
  std::optional<Line> psk_file = {};
  std::optional<std::int64_t> websocket_header_bytes = {};
  bool open_to_others = false;  // strangers may connect from other machines

  // Adds the line to the report with what the table of keys says of it; valid until the next call.
  ReportLine& tell(const Line& line);
  void error(const Line& line, std::string_view what);
  // The line's value as `true` or `false`, or as a number; else an error, and nothing.
  std::optional<bool> flag(const Line& line);
  std::optional<std::int64_t> number(const Line& line, std::int64_t min, std::int64_t max);
};

// Whether lines before the first `listener` open the default listener.
bool uses_default_listener(const Conf& conf);

// One after the other.
void translate_global(Work& work);
void translate_listeners(Work& work);
void tell_plugins_and_bridges(Work& work);

}  // namespace martlet::server::mosquitto
