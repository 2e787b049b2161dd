// What a mosquitto.conf became.
#pragma once

#include <string>
#include <vector>

#include "server/mosquitto/keys.h"

namespace martlet::server::mosquitto {

// What became of one line.
struct ReportLine {
  std::string place;  // "mosquitto.conf:12"
  std::string key;
  std::string value;  // as it may be shown
  Fate fate = Fate::kept;
  std::string note;  // what it is called now, what is otherwise, or why there is no equal and what to do instead
};

struct Translation {
  std::string toml;
  std::vector<std::string> origins;  // of each line of `toml`; empty for what no line asked for
  std::vector<ReportLine> report;    // in the order of the lines, global ones first
  std::vector<std::string> errors;   // lines with values that Mosquitto refuses too
};

}  // namespace martlet::server::mosquitto
