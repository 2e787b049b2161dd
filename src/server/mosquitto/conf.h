// A mosquitto.conf as what it says, without what that means for Martlet.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace martlet::server::mosquitto {

struct Line {
  std::string file;
  std::size_t number = 0;
  std::string key;
  std::string value;  // the rest of the line, without blanks around it; may be empty

  std::string place() const;  // "mosquitto.conf:12"
};

// What one listener is told. Lines before the first `listener` are those of the default listener.
struct Listener {
  Line opening;  // `listener PORT [ADDRESS]`; of the default listener without file
  std::vector<Line> lines;
};

struct Bridge {
  Line opening;  // `connection NAME`
  std::vector<Line> lines;
};

struct Conf {
  std::vector<Line> global;
  Listener default_listener;  // there if it has lines, or if there is no other
  std::vector<Listener> listeners;
  std::vector<Bridge> bridges;
  std::vector<Line> plugins;  // plugins, and their options behind them
  bool per_listener_settings = false;
};

// Where files come from.
struct Source {
  std::function<Result<std::string>(const std::string& path)> read;
  // The names in a directory, in any order.
  std::function<Result<std::vector<std::string>>(const std::string& path)> list;
};

// Reads `path` and what it includes: files *.conf of an include_dir as Mosquitto sorts them. Every key is one of
// find_key(). `errors` get all lines that are wrong, `file:line: ...`, with nothing of their values.
Conf read_conf(const std::string& path, const Source& source, std::vector<std::string>& errors);

// A value as a report may show it: of a key that holds a secret nothing.
std::string shown_value(const Line& line);

}  // namespace martlet::server::mosquitto
